import { Stack } from '@mantine/core';
import { type DeviceView, eventRecordSchema, type TelemetryRow } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag, type Tone } from '../../parts/tag.tsx';
import { CommandsPanel } from './commands-panel.tsx';
import classes from './events-tab.module.css';
import { LogsPanel } from './logs-panel.tsx';

const route = getRouteApi('/shell/devices/$id');
const tones: Record<'info' | 'warning' | 'error', Tone> = { info: 'idle', warning: 'warn', error: 'bad' };

/** What the device told, what it was told, and its log. */
export function EventsTab({ device }: { device: DeviceView }) {
  return (
    <Stack gap="md">
      <EventsPanel device={device} />
      <CommandsPanel device={device} />
      <LogsPanel device={device} />
    </Stack>
  );
}

function EventsPanel({ device: { id } }: { device: DeviceView }) {
  const { page } = route.useSearch();
  const navigate = route.useNavigate();
  const events = useQuery({
    ...read('listTelemetry', { params: { id }, query: { kind: 'events', ...pageQuery(page) } }),
    placeholderData: keepPreviousData,
  });
  return (
    <Panel title="Events" note="Newest first, as the device reported them." flush>
      <QueryView query={events} heightPx={240}>
        {({ items, total, limit, offset }) =>
          items.length === 0 ? (
            <EmptyState title="No event yet" />
          ) : (
            <>
              <ul className={classes.events}>
                {items.map((row) => (
                  <Event key={`${row.streamId} ${row.sequence}`} row={row} />
                ))}
              </ul>
              <Pager
                {...{ total, limit, offset }}
                what="events"
                onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
              />
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}

function Event({ row }: { row: TelemetryRow }) {
  const event = eventRecordSchema.safeParse(row.payload).data;
  if (event === undefined) return null;
  return (
    <li className={classes.event}>
      <span className={classes.when}>
        <Moment atMs={row.atMs} />
        {row.clock !== 'trusted' && <span title="The device's clock is not confirmed"> ~</span>}
      </span>
      <span>
        <Tag tone={tones[event.level]}>{event.level}</Tag>
      </span>
      <span className={classes.text}>
        {event.message} <span className={classes.code}>{event.code}</span>
      </span>
    </li>
  );
}
