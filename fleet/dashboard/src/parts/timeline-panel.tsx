import { Button, Group, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read } from '../data/queries.ts';
import { EmptyState } from './empty-state.tsx';
import { Moment } from './moment.tsx';
import { Panel } from './panel.tsx';
import { QueryView } from './query-view.tsx';
import classes from './timeline-panel.module.css';

const MORE = 25;
const MOST = 200;

/** What happened, newest first, and by whose word. */
export function TimelinePanel({ of, id }: { of: 'listRolloutEvents' | 'listExperimentEvents'; id: string }) {
  const [shown, setShown] = useState(MORE);
  const events = useQuery({ ...read(of, { params: { id }, query: { limit: shown } }), placeholderData: keepPreviousData });
  return (
    <Panel title="Timeline">
      <QueryView query={events} heightPx={200}>
        {({ items, total }) =>
          items.length === 0 ? (
            <EmptyState title="Nothing has happened yet" />
          ) : (
            <>
              <ol className={classes.events}>
                {items.map(({ sequence, atMs, kind, actor, text }) => (
                  <li key={sequence} className={classes.event}>
                    <Text size="sm">{text}</Text>
                    <Text size="xs" c="dimmed">
                      {kind}, {actor}, <Moment atMs={atMs} />
                    </Text>
                  </li>
                ))}
              </ol>
              {total > items.length && shown < MOST && (
                <Group justify="center" mt="sm">
                  <Button size="xs" variant="default" onClick={() => setShown(Math.min(MOST, shown + 3 * MORE))}>
                    Show earlier ones
                  </Button>
                </Group>
              )}
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}
