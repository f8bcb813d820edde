import { Table, Text } from '@mantine/core';
import type { ExperimentArm, ExperimentDetail } from '@starling/shared';
import { compact, counted } from '../../format/quantity.ts';
import { TextLink } from '../../parts/link.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { goalInterval, intervalWords, measureWords, percentWords, verdictTones } from './experiment-words.ts';

/** Every arm with what was counted of it, and how it stands against the champion. */
export function ArmsPanel({ experiment: { arms, measure, mode, spec } }: { experiment: ExperimentDetail }) {
  const isPercent = measure !== 'reward' || spec.goal.values === 'binary';
  return (
    <Panel title="Arms" note="Intervals hold at every look together, so one may look as often as one likes." flush>
      <WideTable label="Arms">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Release</Table.Th>
            <Table.Th>Share</Table.Th>
            <Table.Th>Devices</Table.Th>
            <Table.Th>Items</Table.Th>
            <Table.Th>p95</Table.Th>
            <Table.Th>Energy</Table.Th>
            <Table.Th>{measureWords[measure]}</Table.Th>
            <Table.Th>Difference</Table.Th>
            {mode === 'bandit' && <Table.Th>Best with a chance of</Table.Th>}
            <Table.Th>Verdict</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {arms.map((arm) => (
            <ArmRow key={arm.release} {...{ arm, isPercent, mode, measure }} />
          ))}
        </Table.Tbody>
      </WideTable>
    </Panel>
  );
}

interface ArmRowProps extends Pick<ExperimentDetail, 'mode' | 'measure'> {
  arm: ExperimentArm;
  isPercent: boolean;
}

function ArmRow({ arm, isPercent, mode, measure }: ArmRowProps) {
  const {
    release,
    name,
    share,
    devices,
    items,
    failures,
    latencyMs,
    joulesPerInference,
    outcomes,
    shed,
    difference,
    probabilityBest,
    verdict,
    reason,
    guards,
  } = arm;
  const small = [
    failures > 0 ? `${counted(failures)} failed` : '',
    outcomes > 0 ? `${counted(outcomes)} outcomes` : '',
    shed > 0 ? `${counted(shed)} copies left out` : '',
  ].filter((word) => word !== '');
  return (
    <Table.Tr>
      <Table.Td>
        <TextLink to="/releases/$digest" params={{ digest: release }} size="sm" fw={600}>
          {name}
        </TextLink>
      </Table.Td>
      <Table.Td>{percentWords(share)}</Table.Td>
      <Table.Td>{counted(devices)}</Table.Td>
      <Table.Td>
        {counted(items)}
        <Text size="xs" c="dimmed">
          {small.join(', ')}
        </Text>
      </Table.Td>
      <Table.Td>{latencyMs === null ? '–' : `${compact(latencyMs.p95)} ms`}</Table.Td>
      <Table.Td>{joulesPerInference === null ? '–' : `${compact(joulesPerInference)} J`}</Table.Td>
      <Table.Td>{intervalWords(goalInterval(arm, measure), isPercent)}</Table.Td>
      <Table.Td>{intervalWords(difference, isPercent)}</Table.Td>
      {mode === 'bandit' && <Table.Td>{probabilityBest === null ? '–' : percentWords(probabilityBest)}</Table.Td>}
      <Table.Td maw={360} data-long>
        <Tag tone={verdictTones[verdict]}>{verdict}</Tag>
        <Text size="xs" c="dimmed">
          {reason}
        </Text>
        {guards.map((guard) => (
          <Text key={guard.name} size="xs" c="dimmed">
            {guard.name}: {guard.verdict}, {guard.reason}
          </Text>
        ))}
      </Table.Td>
    </Table.Tr>
  );
}
