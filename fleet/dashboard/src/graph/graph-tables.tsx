import { Table } from '@mantine/core';
import { WideTable } from '../parts/wide-table.tsx';
import type { DrawnEdge, DrawnGraph, DrawnPort } from './drawn-graph.ts';
import type { Figures } from './flow-elements.ts';
import { typeText } from './node-ports.ts';
import { kindWords } from './node-words.ts';

/** The nodes of a graph in words. */
export function NodeTable({ nodes }: Pick<DrawnGraph, 'nodes'>) {
  return (
    <WideTable label="Nodes" fz="sm" verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Node</Table.Th>
          <Table.Th>What it is</Table.Th>
          <Table.Th>Takes</Table.Th>
          <Table.Th>Gives</Table.Th>
          <Table.Th>How it runs</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {nodes.map(({ id, kind, what, inputs, outputs, badges }) => (
          <Table.Tr key={id}>
            <Table.Td className="mono">{id}</Table.Td>
            <Table.Td>
              {kindWords[kind]}
              {kind !== 'input' && kind !== 'output' && <span className="mono"> {what}</span>}
            </Table.Td>
            <Table.Td className="mono">{portText(inputs)}</Table.Td>
            <Table.Td className="mono">{portText(outputs)}</Table.Td>
            <Table.Td>{badges.map(({ words }) => words).join('; ')}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function portText(ports: readonly DrawnPort[]): string {
  return ports.map(({ name, isOptional }) => (isOptional ? `${name}?` : name)).join(', ');
}

/** The lines of a graph in words. */
export function EdgeTable({ edges, figures }: Pick<DrawnGraph, 'edges'> & { figures?: Figures['edges'] }) {
  return (
    <WideTable label="Edges" fz="sm" verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>From</Table.Th>
          <Table.Th>To</Table.Th>
          <Table.Th>Carries</Table.Th>
          <Table.Th>Queue</Table.Th>
          {figures !== undefined && <Table.Th>Lately</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {edges.map((edge) => (
          <Table.Tr key={edge.id}>
            <Table.Td className="mono">{`${edge.from}.${edge.fromPort}`}</Table.Td>
            <Table.Td className="mono">{edge.kind === 'trigger' ? edge.to : `${edge.to}.${edge.toPort}`}</Table.Td>
            <Table.Td data-long style={{ overflowWrap: 'anywhere' }}>
              {carriesText(edge)}
            </Table.Td>
            <Table.Td>{edge.queue === undefined ? '' : `${edge.queue.length}, ${edge.queue.policy}`}</Table.Td>
            {figures !== undefined && <Table.Td style={{ whiteSpace: 'nowrap' }}>{figures.get(edge.id)?.words}</Table.Td>}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function carriesText({ kind, type }: DrawnEdge): string {
  if (kind === 'trigger') return 'a trigger';
  return kind === 'error' ? 'failures' : typeText(type);
}
