import { createSystemClock } from '../clock.ts';
import { claimTokenFromEnvironment, readAgentConfig } from '../config.ts';
import { claimDataDirectory } from '../data-directory.ts';
import { readEnrolment } from '../enrol.ts';
import { createLog } from '../log.ts';
import { runAgent } from '../start.ts';
import { notifySystemd } from '../systemd.ts';
import { enrolIn } from './enrol.ts';

export async function run({ tokenFile, ...flags }: { tokenFile?: string } & Record<string, unknown>): Promise<void> {
  const config = readAgentConfig(flags);
  const clock = createSystemClock();
  const log = createLog(
    config.logLevel,
    () => clock.wallMs(),
    (line) => process.stdout.write(`${line}\n`),
  );
  const directory = await claimDataDirectory(config.dataDirectory);
  const hasToken = tokenFile !== undefined || claimTokenFromEnvironment() !== undefined;
  if (hasToken && (await readEnrolment(directory)) === undefined) {
    const { enrolment } = await enrolIn(directory, tokenFile);
    log.info('enrolled', { device: enrolment.device, fleetId: enrolment.fleetId });
  }
  const running = await runAgent(directory, config, log);
  log.info('the agent runs', { device: running.agent.status().device, httpPort: running.httpPort, dataDirectory: directory });
  await notifySystemd(['READY=1']);
  process.send?.({ type: 'ready', httpPort: running.httpPort, device: running.agent.status().device });
  const watchdog = setInterval(() => void notifySystemd(['WATCHDOG=1']), 10_000);
  const stop = (): void => {
    clearInterval(watchdog);
    log.info('stopping');
    running.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
