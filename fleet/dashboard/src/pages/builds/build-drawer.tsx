import { Drawer, Group, Stack, Text, Title } from '@mantine/core';
import type { BuildJob, BuildLogLine } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useBuildLog } from '../../data/build-log.ts';
import { read } from '../../data/queries.ts';
import { duration, utcClock } from '../../format/time.ts';
import { buildTones } from '../../parts/build-tones.ts';
import { Digest } from '../../parts/digest.tsx';
import { Facts } from '../../parts/facts.tsx';
import { TextLink } from '../../parts/link.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { recipeFacts } from '../../parts/recipe-words.ts';
import { toProblem } from '../../parts/reported-problem.ts';
import { Tag } from '../../parts/tag.tsx';
import { BuildAction } from './build-action.tsx';
import classes from './build-drawer.module.css';
import { BuildProgress } from './build-table.tsx';

/** One build: how far it is, what it says, and what was asked for. */
export function BuildDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const build = useQuery(read('showBuild', { params: { id } }));
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="lg"
      title={build.data === undefined ? 'Build' : `Build of ${build.data.model} ${build.data.version}`}
      styles={{ title: { fontWeight: 600 } }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <QueryView query={build} heightPx={480}>
        {(job) => <Build build={job} />}
      </QueryView>
    </Drawer>
  );
}

function Build({ build }: { build: BuildJob }) {
  const { id, state, error, artefact, modelDigest, recipe, requestedBy, attempts, createdAtMs, startedAtMs, endedAtMs } = build;
  const log = useBuildLog(id);
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <Tag tone={buildTones[state]} isActive={state === 'running'}>
          {state}
        </Tag>
        <BuildAction build={build} />
      </Group>
      {error === null ? <BuildProgress build={build} /> : <ProblemAlert error={toProblem(error)} />}
      <section>
        <Title order={3} size="h5" mb={6}>
          Log
        </Title>
        <QueryView query={log} heightPx={200}>
          {(lines) => <Lines lines={lines} />}
        </QueryView>
      </section>
      <section>
        <Title order={3} size="h5" mb={6}>
          What was asked for
        </Title>
        <Facts
          facts={[
            ...recipeFacts(recipe),
            [
              'Artefact',
              artefact === null ? undefined : (
                <TextLink key="artefact" to="/models/$digest" params={{ digest: modelDigest }} search={{ artefact }} size="sm">
                  {artefact.slice(0, 12)}…
                </TextLink>
              ),
            ],
            ['Asked for by', requestedBy ?? 'the fleet: every version gets it'],
            ['Asked for', <ExactMoment key="created" atMs={createdAtMs} />],
            ['Started', startedAtMs === null ? undefined : <ExactMoment key="started" atMs={startedAtMs} />],
            ['Ended', endedAtMs === null ? undefined : <ExactMoment key="ended" atMs={endedAtMs} />],
            ['Took', startedAtMs === null || endedAtMs === null ? undefined : duration(endedAtMs - startedAtMs)],
            ['Attempts', attempts],
            ['Build', <Digest key="id" value={id} length={10} what="id of the build" />],
          ]}
        />
      </section>
    </Stack>
  );
}

function Lines({ lines }: { lines: readonly BuildLogLine[] }) {
  const end = useRef<HTMLDivElement>(null);
  const last = lines.at(-1)?.sequence;
  // What is newest stays in sight.
  useEffect(() => {
    const box = end.current;
    if (box !== null && last !== undefined) box.scrollTop = box.scrollHeight;
  }, [last]);
  if (lines.length === 0) return <Text size="sm">Nothing was said yet.</Text>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <div ref={end} className={classes.log} role="log" aria-label="Log of the build" tabIndex={0}>
      {lines.map(({ sequence, atMs, text }) => (
        <div key={sequence} className={classes.line}>
          <span className={classes.time}>{utcClock(atMs, true)}</span>
          <span>{text}</span>
        </div>
      ))}
    </div>
  );
}
