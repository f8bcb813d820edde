import { Table, Text } from '@mantine/core';
import { counted, inWords, millisecondsOf, percentOf, rateOf } from '../../../format/quantity.ts';
import { WideTable } from '../../../parts/wide-table.tsx';
import classes from './latency-breakdown.module.css';
import type { LatencyShare } from './live-figures.ts';

/** Parts below this are too thin for a word. */
const NAMED_SHARE = 0.09;

/** Where the time of an item goes: as a bar for the eye, as a table for everything else. */
export function LatencyBreakdown({ shares }: { shares: readonly LatencyShare[] }) {
  if (shares.length === 0)
    return (
      <Text size="sm" c="dimmed" px="lg" pb="md">
        Nothing ran lately.
      </Text>
    );
  return (
    <>
      <div className={classes.bar} aria-hidden>
        {shares
          .filter(({ share }) => share > 0)
          .map(({ id, share, msPerItem }, index) => (
            <span
              key={id}
              data-tone={index % 4}
              style={{ width: `${share * 100}%` }}
              title={`${id}: ${inWords(millisecondsOf(msPerItem))} of each item`}
            >
              {share >= NAMED_SHARE && id}
            </span>
          ))}
      </div>
      <WideTable label="Time in each node" fz="sm" verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Node</Table.Th>
            <Table.Th>Share</Table.Th>
            <Table.Th>Of each item</Table.Th>
            <Table.Th>Of each run</Table.Th>
            <Table.Th>Runs</Table.Th>
            <Table.Th>Failed</Table.Th>
            <Table.Th>Skipped</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shares.map(({ id, share, msPerItem, runs, totalMs, runsPerSecond, failures, skips }) => (
            <Table.Tr key={id}>
              <Table.Td className="mono">{id}</Table.Td>
              <Table.Td>{inWords(percentOf(share))}</Table.Td>
              <Table.Td>{inWords(millisecondsOf(msPerItem))}</Table.Td>
              <Table.Td>{runs === 0 ? '–' : inWords(millisecondsOf(totalMs / runs))}</Table.Td>
              <Table.Td>{inWords(rateOf(runsPerSecond))}</Table.Td>
              <Table.Td>{counted(failures)}</Table.Td>
              <Table.Td>{counted(skips)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
    </>
  );
}
