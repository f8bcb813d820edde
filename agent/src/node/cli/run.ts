import { createSystemClock } from '../clock.ts';
import { buildOf, claimTokenFromEnvironment, readAgentConfig } from '../config.ts';
import { claimDataDirectory } from '../data-directory.ts';
import { readEnrolment } from '../enrol.ts';
import { createLog } from '../log.ts';
import { runAgent } from '../start.ts';
import { notifySystemd } from '../systemd.ts';
import { becomeItself, createUpdater, proveItself, settleWhoRuns } from '../update/index.ts';
import { enrolIn } from './enrol.ts';

export async function run({ tokenFile, ...flags }: { tokenFile?: string } & Record<string, unknown>): Promise<void> {
  const config = readAgentConfig(flags);
  const clock = createSystemClock();
  const log = createLog(
    config.logLevel,
    () => clock.wallMs(),
    (line) => process.stdout.write(`${line}\n`),
  );
  await settleWhoRuns(config.dataDirectory, config.updateLimitMs, log);
  const directory = await claimDataDirectory(config.dataDirectory);
  const hasToken = tokenFile !== undefined || claimTokenFromEnvironment() !== undefined;
  if (hasToken && (await readEnrolment(directory)) === undefined) {
    const { enrolment } = await enrolIn(directory, tokenFile);
    log.info('enrolled', { device: enrolment.device, fleetId: enrolment.fleetId });
  }
  // The way to the next agent is there once this one runs.
  let handOver = async (): Promise<never> => becomeItself();
  const running = await runAgent(
    directory,
    config,
    log,
    createUpdater(directory, () => handOver()),
  );
  log.info('the agent runs', { device: running.agent.status().device, httpPort: running.httpPort, dataDirectory: directory });
  await notifySystemd(['READY=1']);
  process.send?.({ type: 'ready', httpPort: running.httpPort, device: running.agent.status().device });
  const watchdog = setInterval(() => void notifySystemd(['WATCHDOG=1']), 10_000);
  const { version, trial } = buildOf();
  const status = () => running.agent.status();
  const endProof = await proveItself(directory, version, { trial, probationMs: config.updateProbationMs, status });
  handOver = async () => {
    clearInterval(watchdog);
    log.info('another agent takes over');
    await running.close();
    return becomeItself();
  };
  const stop = (): void => {
    clearInterval(watchdog);
    endProof();
    log.info('stopping');
    running.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
