import { Button, Group, Progress, Table, Text } from '@mantine/core';
import type { BuildJob } from '@starling/shared';
import { buildTones } from '../../parts/build-tones.ts';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { recipeWords } from '../../parts/recipe-words.ts';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { BuildAction } from './build-action.tsx';
import { outcomeOf } from './build-outcome.ts';

/** Builds, newest first, with how far they are. */
export function BuildTable({ builds, onOpen }: { builds: readonly BuildJob[]; onOpen: (id: string) => void }) {
  return (
    <WideTable label="Builds" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Model</Table.Th>
          <Table.Th>Recipe</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th miw={200}>Progress</Table.Th>
          <Table.Th>Started</Table.Th>
          <Table.Th>Ended</Table.Th>
          <Table.Th>Attempts</Table.Th>
          <Table.Th>
            <span className="visually-hidden">What to do</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {builds.map((build) => (
          <BuildRow key={build.id} build={build} onOpen={onOpen} />
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function BuildRow({ build, onOpen }: { build: BuildJob; onOpen: (id: string) => void }) {
  const { id, model, version, modelDigest, recipe, state, startedAtMs, endedAtMs, attempts } = build;
  return (
    <Table.Tr>
      <Table.Td>
        <TextLink to="/models/$digest" params={{ digest: modelDigest }} fw={600} size="sm">
          {model}
        </TextLink>{' '}
        {version}
      </Table.Td>
      <Table.Td>{recipeWords(recipe)}</Table.Td>
      <Table.Td>
        <Tag tone={buildTones[state]} isActive={state === 'running'}>
          {state}
        </Tag>
      </Table.Td>
      <Table.Td maw={360} data-long>
        <BuildProgress build={build} />
      </Table.Td>
      <Table.Td>
        <Moment atMs={startedAtMs} absent="not yet" />
      </Table.Td>
      <Table.Td>
        <Moment atMs={endedAtMs} absent="–" />
      </Table.Td>
      <Table.Td>{attempts}</Table.Td>
      <Table.Td>
        <Group gap={6} wrap="nowrap" justify="flex-end">
          <BuildAction build={build} />
          <Button
            size="compact-xs"
            variant="default"
            aria-haspopup="dialog"
            aria-label={`Log of ${model} ${version}, ${recipeWords(recipe)}`}
            onClick={() => onOpen(id)}
          >
            Log
          </Button>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

/** A bar while it goes on, then what came of it. */
export function BuildProgress({ build }: { build: BuildJob }) {
  const { model, version, recipe, state, progressPercent, step } = build;
  if (state !== 'queued' && state !== 'running') {
    return (
      <Text size="sm" c="dimmed" lineClamp={3} title={outcomeOf(build)}>
        {outcomeOf(build)}
      </Text>
    );
  }
  return (
    <>
      <Progress value={progressPercent} aria-label={`Build of ${model} ${version}, ${recipeWords(recipe)}`} />
      <Text size="xs" c="dimmed">
        {progressPercent} %, {step}
      </Text>
    </>
  );
}
