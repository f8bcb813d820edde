import { useQuery } from '@tanstack/react-query';
import { useDeviceNames } from '../../data/device-names.ts';
import { read } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { actionWords, isAboutDevice, shortenDigests } from '../../parts/audit-words.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { gatherRepeats } from './gather-repeats.ts';
import classes from './list.module.css';

const SHOWN = 8;
/** More than are shown, for a picture tried ten times is one line. */
const READ = 50;

/** The newest entries of the audit. */
export function RecentChanges() {
  const named = useDeviceNames();
  const changes = useQuery(read('listAudit', { query: { limit: READ } }));
  return (
    <Panel
      title="Recent changes"
      actions={
        <TextLink to="/audit" size="sm">
          All changes
        </TextLink>
      }
    >
      <QueryView query={changes} heightPx={220}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="Nothing has changed yet" />
          ) : (
            <ul className={classes.list}>
              {gatherRepeats(items)
                .slice(0, SHOWN)
                .map(({ entry, times }) => (
                  <li key={entry.id} className={classes.row}>
                    <span className={classes.lead}>
                      <Moment atMs={entry.atMs} />
                    </span>
                    <span>
                      {named(entry.actor)} <span className={classes.detail}>{actionWords(entry.action)}</span>{' '}
                      {isAboutDevice(entry.action) ? (
                        <TextLink to="/devices/$id" params={{ id: entry.subject }} size="sm">
                          {named(entry.subject)}
                        </TextLink>
                      ) : (
                        shortenDigests(entry.subject)
                      )}
                      {times > 1 && <span className={classes.detail}> {counted(times)} times</span>}
                    </span>
                  </li>
                ))}
            </ul>
          )
        }
      </QueryView>
    </Panel>
  );
}
