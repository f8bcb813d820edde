import { Group, Text } from '@mantine/core';
import type { BrowserCapabilities, DeviceView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { Facts } from '../../parts/facts.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tag } from '../../parts/tag.tsx';
import { speedWords } from './speed-words.ts';

const keyWords: Record<NonNullable<BrowserCapabilities['key']>, string> = {
  'non-extractable': 'kept by the browser, which shows it to nobody',
  extractable: 'kept by the browser, readable to the page',
};

/** Names of systems, as people write them. */
const systemWords: Readonly<Record<string, string>> = {
  ...{ android: 'Android', ios: 'iOS', darwin: 'macOS', linux: 'Linux', windows: 'Windows', win32: 'Windows' },
};

/** What a browser is and what it lets a model use. */
export function BrowserPanel({ device: { id, capabilities, reported } }: { device: DeviceView }) {
  const summary = useQuery({ ...read('summariseTelemetry', { params: { id } }), enabled: capabilities.browser !== undefined });
  const { browser, userAgent, os } = capabilities;
  if (browser === undefined) return null;
  const { name, version, mobile, webgpu, storage, key } = browser;
  const errorOf = (provider: string): string | undefined => capabilities.executionProviders.find((each) => each.name === provider)?.error;
  const inUse = Object.entries(reported?.running?.providers ?? {});
  return (
    <Panel title="Browser" note="As the page found by trying, not as the user agent says.">
      <Facts
        facts={[
          ['Browser', `${name} ${version} on ${systemWords[os] ?? os}${mobile ? ', a phone or tablet' : ''}`],
          [
            'Runs on',
            inUse.length === 0 ? 'nothing yet' : inUse.map(([model, provider]) => <div key={model}>{`${model}: ${provider}`}</div>),
          ],
          ['Measured speed', summary.data === undefined ? undefined : speedWords(summary.data)],
          ['WebAssembly', <WasmFacts key="wasm" wasm={browser.wasm} crossOriginIsolated={browser.crossOriginIsolated} />],
          ['WebGPU', webgpu === null ? <NotThere key="webgpu" why={errorOf('webgpu')} /> : <AdapterFacts key="webgpu" {...webgpu} />],
          ['WebNN', <NotThere key="webnn" why={errorOf('webnn')} />],
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
      <Group gap={6}>
        <Tag tone={simd ? 'good' : 'warn'}>{simd ? 'vectors' : 'no vectors'}</Tag>
        <Tag tone={threads > 1 ? 'good' : 'warn'}>{threads > 1 ? `${threads} threads` : 'one thread'}</Tag>
        {relaxedSimd && <Tag tone="good">relaxed vectors</Tag>}
      </Group>
      {threads === 1 && !crossOriginIsolated && <div>The page is not isolated from other sites, so threads may not share memory.</div>}
    </>
  );
}

type Adapter = NonNullable<BrowserCapabilities['webgpu']>;

function AdapterFacts({ vendor, architecture, device, description, software, features, maximumBufferBytes }: Adapter) {
  const name = [vendor, architecture, device].filter((each) => each !== '').join(' ');
  const hasHalf = features.includes('shader-f16');
  return (
    <>
      <div>{[name, description].filter((each) => each !== '').join(', ') || 'an adapter without a name'}</div>
      <Group gap={6} my={2}>
        <Tag tone={software ? 'warn' : 'good'}>{software ? 'computes on the processor' : 'graphics adapter'}</Tag>
        <Tag tone={hasHalf ? 'good' : 'idle'}>{hasHalf ? 'fp16' : 'no fp16'}</Tag>
      </Group>
      {maximumBufferBytes !== undefined && <div>Buffers up to {inWords(bytesOf(maximumBufferBytes))}</div>}
      {features.length > 0 && (
        <Text size="sm" c="dimmed" className="mono">
          {features.toSorted().join(', ')}
        </Text>
      )}
    </>
  );
}

/** @param why a browser that has the interface may have nothing behind it */
function NotThere({ why }: { why: string | undefined }) {
  return why === undefined ? <Tag tone="idle">not in this browser</Tag> : <span>{why}</span>;
}
