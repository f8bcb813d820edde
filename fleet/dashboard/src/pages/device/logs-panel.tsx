import { Button, Text } from '@mantine/core';
import { commandTable, type DeviceView, readableLine } from '@starling/shared';
import { useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { Panel } from '../../parts/panel.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { toProblem } from '../../parts/reported-problem.ts';
import classes from './logs-panel.module.css';

const WAIT_MS = 10_000;
const LINES = 200;

/** The newest lines of the agent's log, fetched from the device when asked for. */
export function LogsPanel({ device }: { device: DeviceView }) {
  const { may } = useSession();
  const logs = useChange('commandDevice', { makesOld: ['listCommands'] });
  const fetchLines = (): void =>
    logs.mutate({ params: { id: device.id }, body: { name: 'logs', arguments: { lineCount: LINES }, waitMs: WAIT_MS } });
  const lines = commandTable.logs.result.safeParse(logs.data?.result).data?.lines;
  const isLate = logs.isSuccess && lines === undefined && logs.data.error === null;
  return (
    <Panel
      title="Log"
      note={
        may('operator') ? `The newest ${LINES} lines, fetched from the device. Times in UTC.` : 'Reading the log needs the role operator.'
      }
      actions={
        <Button size="xs" variant="default" disabled={!device.online || !may('operator')} loading={logs.isPending} onClick={fetchLines}>
          {lines === undefined ? 'Fetch' : 'Fetch again'}
        </Button>
      }
    >
      {logs.isError && <ProblemAlert error={logs.error} />}
      {logs.data?.error != null && <ProblemAlert error={toProblem(logs.data.error)} />}
      {isLate && <Text c="dimmed">No answer within {WAIT_MS / 1000} s; it shows among the commands when it comes.</Text>}
      {lines !== undefined && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
        <section className={classes.log} tabIndex={0} aria-label="Log of the agent">
          <pre>{lines.map(readableLine).join('\n')}</pre>
        </section>
      )}
      {lines === undefined && logs.isIdle && <Text c="dimmed">{device.online ? 'Not fetched yet.' : 'The device is offline.'}</Text>}
    </Panel>
  );
}
