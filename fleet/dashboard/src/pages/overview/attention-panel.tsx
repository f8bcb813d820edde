import type { DeviceView, Overview } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { read } from '../../data/queries.ts';
import { compact, counted } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import classes from './list.module.css';

const SHOWN = 6;

/** What a person should look at: drift, failures, silence, devices that wait. */
export function AttentionPanel({ overview }: { overview: Overview }) {
  const pending = useQuery(read('listDevices', { query: { status: 'pending', limit: SHOWN } }));
  const quiet = useQuery(read('listDevices', { query: { status: 'silent', sort: 'lastSeen', limit: SHOWN } }));
  const failing = useQuery(read('listDevices', { query: { status: 'failed', limit: SHOWN } }));
  const lacking = useQuery(read('listDevices', { query: { status: 'unserved', limit: SHOWN } }));
  const failed = failing.data?.items ?? [];
  const unserved = lacking.data?.items ?? [];
  return (
    <Panel title="Needs attention">
      <QueryView query={quiet} heightPx={220}>
        {({ items }) => {
          const silent = items.filter((device) => device.status === 'active');
          const waiting = pending.data?.items ?? [];
          const { ended } = overview.devices;
          if (overview.drifted.length + failed.length + unserved.length + waiting.length + silent.length + ended === 0)
            return <EmptyState title="All is well">No drift, no failed device, nobody silent.</EmptyState>;
          return (
            <ul className={classes.list}>
              {failed.map((device) => (
                <Row key={`failed ${device.id}`} tag={<Tag tone="bad">failed</Tag>} id={device.id} name={device.name}>
                  {device.reported?.error?.message ?? 'its release does not run'}
                </Row>
              ))}
              {unserved.map((device) => (
                <Row key={`unserved ${device.id}`} tag={<Tag tone="bad">nobody runs it</Tag>} id={device.id} name={device.name}>
                  {unservedText(device)}
                </Row>
              ))}
              {overview.drifted.map(({ device, name, monitor, psi }) => (
                <Row key={`drift ${device} ${monitor}`} tag={<Tag tone="warn">drift</Tag>} id={device} name={name}>
                  {monitor} moved away from its reference, PSI {compact(psi)}
                </Row>
              ))}
              {waiting.map((device) => (
                <Row key={`pending ${device.id}`} tag={<Tag tone="warn">approval</Tag>} id={device.id} name={device.name}>
                  enrolled <Moment atMs={device.enrolledAtMs} />, waits to be let in
                </Row>
              ))}
              {silent.map((device) => (
                <Row key={`silent ${device.id}`} tag={<Tag tone="idle">offline</Tag>} id={device.id} name={device.name}>
                  last seen <Moment atMs={device.lastSeenAtMs} />
                </Row>
              ))}
              {ended > 0 && <EndedRow count={ended} />}
            </ul>
          );
        }}
      </QueryView>
    </Panel>
  );
}

/** They are many and all alike, and would hide those that a person has to look after. */
function EndedRow({ count }: { count: number }) {
  return (
    <li className={classes.row}>
      <span className={classes.lead}>
        <Tag tone="idle">simulated</Tag>
      </span>
      <span>
        {count === 1 ? 'One simulated device has ended' : `${counted(count)} simulated devices have ended`}{' '}
        <span className={classes.detail}>
          <code className="mono">starling simulate --remove</code> deletes {count === 1 ? 'it' : 'them'}
        </span>
      </span>
    </li>
  );
}

/** The part that nobody runs, and what to do about it. */
function unservedText({ desired }: DeviceView): string {
  const places = (desired?.placement ?? []).filter(({ worker }) => worker === null);
  const nodes = places.flatMap(({ parts }) => parts.flatMap((part) => part.nodes));
  const label = places.map(({ place }) => (place === 'cloud' ? 'place=cloud' : place.replace(':', '='))).join(', ');
  return `${nodes.join(', ')} of ${desired?.releaseName ?? 'its release'}: give a device the release and the label ${label}`;
}

function Row({ tag, id, name, children }: { tag: ReactNode; id: string; name: string; children: ReactNode }) {
  return (
    <li className={classes.row}>
      <span className={classes.lead}>{tag}</span>
      <span>
        <TextLink to="/devices/$id" params={{ id }} fw={600} size="sm">
          {name}
        </TextLink>{' '}
        <span className={classes.detail}>{children}</span>
      </span>
    </li>
  );
}
