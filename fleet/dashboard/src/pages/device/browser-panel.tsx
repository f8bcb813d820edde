import { Text } from '@mantine/core';
import type { BrowserCapabilities, DeviceView } from '@starling/shared';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { Facts } from '../../parts/facts.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tag, type Tone } from '../../parts/tag.tsx';

const keyWords: Record<NonNullable<BrowserCapabilities['key']>, string> = {
  'non-extractable': 'kept by the browser, which shows it to nobody',
  extractable: 'kept by the browser, readable to the page',
  software: 'kept by the page: this browser has no Ed25519',
};

/** What a browser is and what it lets a model use. */
export function BrowserPanel({ device: { capabilities, reported } }: { device: DeviceView }) {
  const { browser, userAgent, os } = capabilities;
  if (browser === undefined) return null;
  const { name, version, mobile, webgpu, storage, key } = browser;
  const inUse = Object.entries(reported?.running?.providers ?? {});
  return (
    <Panel title="Browser" note="As the page found by trying, not as the user agent says.">
      <Facts
        facts={[
          ['Browser', `${name} ${version} on ${os}${mobile ? ', a phone or tablet' : ''}`],
          [
            'Runs on',
            inUse.length === 0 ? 'nothing yet' : inUse.map(([model, provider]) => <div key={model}>{`${model}: ${provider}`}</div>),
          ],
          ['WebAssembly', <WasmFacts key="wasm" wasm={browser.wasm} crossOriginIsolated={browser.crossOriginIsolated} />],
          [
            'WebGPU',
            webgpu === null ? <Can key="webgpu" tone="idle" word="not in this browser" /> : <AdapterFacts key="webgpu" {...webgpu} />,
          ],
          [
            'WebNN',
            browser.webnn ? <Can key="webnn" tone="good" word="there" /> : <Can key="webnn" tone="idle" word="not in this browser" />,
          ],
          [
            'Storage',
            storage.opfs
              ? `models are kept${storage.persisted ? '' : '; the browser may clear them when it needs room'}`
              : 'models are fetched again with each start',
          ],
          ['Device key', key === undefined ? undefined : keyWords[key]],
          [
            'User agent',
            userAgent === undefined ? undefined : (
              <span key="agent" className="mono">
                {userAgent}
              </span>
            ),
          ],
        ]}
      />
    </Panel>
  );
}

function WasmFacts({ wasm, crossOriginIsolated }: Pick<BrowserCapabilities, 'wasm' | 'crossOriginIsolated'>) {
  const { simd, relaxedSimd, threads } = wasm;
  return (
    <>
      <Can tone={simd ? 'good' : 'warn'} word={simd ? 'vectors' : 'no vectors'} />{' '}
      <Can tone={threads > 1 ? 'good' : 'warn'} word={threads > 1 ? `${threads} threads` : 'one thread'} />
      {relaxedSimd && (
        <>
          {' '}
          <Can tone="good" word="relaxed vectors" />
        </>
      )}
      {threads === 1 && !crossOriginIsolated && <div>The page is not isolated from other sites, so threads may not share memory.</div>}
    </>
  );
}

function AdapterFacts({
  vendor,
  architecture,
  device,
  description,
  software,
  features,
  maximumBufferBytes,
}: NonNullable<BrowserCapabilities['webgpu']>) {
  const name = [vendor, architecture, device].filter((each) => each !== '').join(' ');
  const hasHalf = features.includes('shader-f16');
  return (
    <>
      <div>
        {name || description || 'an adapter without a name'}
        {name !== '' && description !== '' && `, ${description}`}
      </div>
      <Can tone={software ? 'warn' : 'good'} word={software ? 'computes on the processor' : 'graphics adapter'} />{' '}
      <Can tone={hasHalf ? 'good' : 'idle'} word={hasHalf ? 'fp16' : 'no fp16'} />
      {maximumBufferBytes !== undefined && <div>Buffers up to {inWords(bytesOf(maximumBufferBytes))}</div>}
      {features.length > 0 && (
        <Text size="sm" c="dimmed" className="mono">
          {features.toSorted().join(', ')}
        </Text>
      )}
    </>
  );
}

function Can({ tone, word }: { tone: Tone; word: string }) {
  return <Tag tone={tone}>{word}</Tag>;
}
