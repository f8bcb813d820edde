import { SimpleGrid, Stack, Text } from '@mantine/core';
import type { Capabilities, DeviceView } from '@starling/shared';
import { bytesOf, compact, inWords, millisecondsOf } from '../../format/quantity.ts';
import { Facts } from '../../parts/facts.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tag } from '../../parts/tag.tsx';
import { BrowserPanel } from './browser-panel.tsx';
import classes from './hardware-tab.module.css';

/** What the device is, as its agent measured it, and the profile that it was given for that. */
export function HardwareTab({ device }: { device: DeviceView }) {
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
      <Stack gap="md">
        <ProfilePanel device={device} />
        <BrowserPanel device={device} />
        <ProvidersPanel capabilities={device.capabilities} />
        <SensorsPanel capabilities={device.capabilities} />
      </Stack>
      <Stack gap="md">
        <MachinePanel capabilities={device.capabilities} />
        <OperatorsPanel capabilities={device.capabilities} />
      </Stack>
    </SimpleGrid>
  );
}

function ProfilePanel({ device: { profile, profileReason } }: { device: DeviceView }) {
  return (
    <Panel
      title={`Profile: ${profile}`}
      note={`Matched with ${compact(profileReason.score)} points. It sets providers, precisions, memory budget and power model.`}
    >
      <Text size="sm" fw={600}>
        Why
      </Text>
      <ul className={classes.reasons}>
        {profileReason.reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
      {profileReason.runnersUp.length > 0 && (
        <>
          <Text size="sm" fw={600} mt="sm">
            Why not another
          </Text>
          <ul className={classes.reasons}>
            {profileReason.runnersUp.map(({ profile: other, score, reason }) => (
              <li key={other}>
                <strong>{other}</strong> ({compact(score)}): {reason}
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

const ofTotal = (totalBytes: number, freeBytes: number): string =>
  `${inWords(bytesOf(totalBytes))}, ${inWords(bytesOf(freeBytes))} free at the start`;
/** Browsers tell their memory in coarse steps, or not at all. */
const rounded = (bytes: number): string =>
  bytes === 0 ? 'kept secret by the browser' : `${inWords(bytesOf(bytes))}, as the browser rounds it`;

function MachinePanel({ capabilities: { cpu, memory, disk, ...machine } }: { capabilities: Capabilities }) {
  const { isa } = cpu;
  const isBrowser = machine.environment === 'browser';
  return (
    <Panel title="Machine">
      <Facts
        facts={[
          ['Processor', cpu.model || cpu.vendor],
          [
            'Cores',
            `${cpu.cores}${cpu.maximumMhz ? `, up to ${compact(cpu.maximumMhz / 1000)} GHz` : ''}${cpu.virtualised ? ', in a virtual machine' : ''}`,
          ],
          ['Architecture', `${machine.architecture}, ${machine.os}${machine.kernel === undefined ? '' : ` ${machine.kernel}`}`],
          ['Board', machine.deviceTree?.model],
          ['Memory', isBrowser ? rounded(memory.totalBytes) : ofTotal(memory.totalBytes, memory.availableBytes)],
          [isBrowser ? 'Storage' : 'Disk', ofTotal(disk.totalBytes, disk.freeBytes)],
          ['Graphics', machine.gpus.map(({ vendor, name, api }) => `${vendor} ${name} (${api})`).join(', ') || 'none found'],
          [
            'Runtimes',
            Object.entries(machine.runtimeVersions)
              .map(([name, version]) => `${name} ${version}`)
              .join(', '),
          ],
          ['Browser', machine.browser === undefined ? machine.userAgent : undefined],
          [
            'Instruction sets',
            isa.length === 0 ? (
              'none reported'
            ) : (
              <span key="isa" className="mono">
                {isa.join(' ')}
              </span>
            ),
          ],
        ]}
      />
    </Panel>
  );
}

function ProvidersPanel({ capabilities: { executionProviders } }: { capabilities: Capabilities }) {
  return (
    <Panel title="Execution providers" note="Offered by the engine, and tried with a small model.">
      {executionProviders.length === 0 && <Text c="dimmed">None reported.</Text>}
      {executionProviders.map(({ name, ran, error, probeMs }) => (
        <div key={name} className={classes.provider}>
          <Tag tone={ran ? 'good' : 'idle'}>{ran ? 'runs' : 'does not run'}</Tag> <strong>{name}</strong>
          {probeMs !== undefined && ` ${inWords(millisecondsOf(probeMs))} for the small model`}
          {error !== undefined && (
            <Text size="sm" c="dimmed">
              {error}
            </Text>
          )}
        </div>
      ))}
    </Panel>
  );
}

function SensorsPanel({ capabilities: { energySensors } }: { capabilities: Capabilities }) {
  const isLevelAlone = energySensors.length > 0 && energySensors.every(({ kind }) => kind === 'battery');
  return (
    <Panel title="Energy sensors">
      {energySensors.length === 0 ? (
        <Text c="dimmed">None: energy is modelled from the profile's power curve and how busy the device was.</Text>
      ) : (
        energySensors.map(({ kind, path, readable }) => (
          <div key={path} className={classes.provider}>
            <Tag tone={readable ? 'good' : 'warn'}>{readable ? 'readable' : 'not readable'}</Tag> {kind}{' '}
            <span className="mono">{path}</span>
          </div>
        ))
      )}
      {isLevelAlone && (
        <Text size="sm" c="dimmed">
          A battery tells its level, not what one inference takes: energy is modelled from the profile's power curve.
        </Text>
      )}
    </Panel>
  );
}

function OperatorsPanel({ capabilities: { operatorVersions } }: { capabilities: Capabilities }) {
  const operators = Object.entries(operatorVersions).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    <Panel title="Operators" note="What its pipelines can be made of, with the version of each.">
      {operators.length === 0 ? (
        <Text c="dimmed">None reported.</Text>
      ) : (
        <ul className={classes.operators}>
          {operators.map(([name, version]) => (
            <li key={name}>
              <span className="mono">{name}</span> <span className={classes.version}>{version}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
