import { cpus } from 'node:os';
import { api, parseClaimToken, StarlingError } from '@starling/shared';
import { type ClusterFleet, startCluster } from '../cluster/cluster.ts';
import type { ClusterBroker } from '../cluster/cluster-broker.ts';
import { startDeviceMosquitto } from '../cluster/mosquitto.ts';
import { startRabbitMq } from '../cluster/rabbitmq.ts';
import { startPostgres } from '../harness/postgres.ts';
import { findProgram } from '../harness/requires.ts';
import { enrolSenders, findRecords } from './ingest.ts';
import type { BenchOptions } from './parts.ts';
import { processorTimeMs, processorTimeOf } from './processor-time.ts';
import type { Measure, Say } from './result.ts';

const DEVICES = 100;
const SEND_MS = 20_000;
/** What a second process is to bring, where the cores allow. */
const GAIN = 1.5;

type StartBroker = (httpPort: number) => Promise<ClusterBroker>;

/** Telemetry of 100 devices into one process and into two, behind mosquitto; into two with one of them killed, behind mosquitto and three nodes of RabbitMQ. */
export async function measureCluster(say: Say, { parts = [] }: BenchOptions): Promise<Measure[]> {
  const [postgres, mosquitto, rabbit] = [findProgram('postgres'), findProgram('mosquitto'), findProgram('rabbitmq-server')];
  if (postgres === undefined || mosquitto === undefined || rabbit === undefined)
    throw new StarlingError('missing-program', 'this bench needs Postgres, mosquitto and RabbitMQ');
  const isAsked = (part: string): boolean => parts.length === 0 || parts.includes(part);
  const measures: Measure[] = [];
  if (isAsked('mosquitto')) {
    const start: StartBroker = () => startDeviceMosquitto(mosquitto);
    const one = await measureThroughput('mosquitto, one process', { postgres, start, processes: 1, kills: false }, say);
    const two = await measureThroughput('mosquitto, two processes', { postgres, start, processes: 2, kills: false }, say);
    measures.push(...one.measures, ...two.measures);
    measures.push({ name: 'mosquitto: two processes over one', value: two.perSecond / one.perSecond, unit: 'x', target: GAIN });
    const killed = await measureThroughput('mosquitto, one of two processes killed', { postgres, start, processes: 2, kills: true }, say);
    measures.push(...killed.measures);
  }
  if (isAsked('rabbitmq')) {
    const start: StartBroker = (httpPort) => startRabbitMq(3, httpPort);
    const killed = await measureThroughput(
      'three nodes of RabbitMQ, one of two processes killed',
      { postgres, start, processes: 2, kills: true },
      say,
    );
    measures.push(...killed.measures);
  }
  return measures;
}

interface Setting {
  postgres: string;
  start: StartBroker;
  processes: number;
  /** One process is killed while devices send. */
  kills: boolean;
}

async function measureThroughput(name: string, { postgres: program, start, processes, kills }: Setting, say: Say) {
  const postgres = await startPostgres(program);
  const cluster = await startCluster({ processes, postgres, startBroker: start, flags: { 'log-level': 'info' } });
  try {
    for (let process = 0; process < processes; process += 1) await cluster.untilHears(process, 32 / processes);
    say(`${name}: enrolling ${DEVICES} devices`);
    const senders = await enrolSenders(asReady(cluster), DEVICES);
    say(`${name}: sending for ${SEND_MS / 1000} s`);
    const startedMs = performance.now();
    const before = await readTimes(cluster, kills);
    const sending = Promise.all(senders.map((sender) => sender.sendUntil(startedMs + SEND_MS)));
    if (kills) {
      await new Promise((resolve) => setTimeout(resolve, SEND_MS / 4));
      await cluster.kill(0);
    }
    await sending;
    const seconds = (performance.now() - startedMs) / 1000;
    const after = await readTimes(cluster, kills);
    const sent = senders.reduce((sum, sender) => sum + sender.sent(), 0);
    const { missing, surplus, repeated } = await findRecords(cluster, senders);
    await Promise.all(senders.map((sender) => sender.end()));
    const share = (ms: number): number => ms / (seconds * 1000 * cpus().length);
    const measures: Measure[] = [
      { name: `${name}: records stored`, value: sent / seconds, unit: 'records/s' },
      { name: `${name}: records that came again`, value: repeated, unit: 'records' },
      { name: `${name}: records lost`, value: missing, unit: 'records', target: 0, better: 'lower' },
      { name: `${name}: records stored twice`, value: surplus, unit: 'records', target: 0, better: 'lower' },
      ...(kills
        ? []
        : [
            { name: `${name}: processor time of the fleet`, value: share(after.fleetMs - before.fleetMs), unit: 'of all cores' },
            {
              name: `${name}: of the devices and what else this bench starts`,
              value: share(after.ownMs - before.ownMs),
              unit: 'of all cores',
            },
            { name: `${name}: of the whole machine`, value: share(after.machineMs - before.machineMs), unit: 'of all cores' },
          ]),
    ];
    return { measures, perSecond: sent / seconds };
  } finally {
    await cluster.stop();
    await postgres.stop();
  }
}

interface Times {
  fleetMs: number;
  ownMs: number;
  machineMs: number;
}

async function readTimes({ processes }: ClusterFleet, kills: boolean): Promise<Times> {
  const fleet = kills ? [] : await Promise.all(processes.map(({ pid }) => processorTimeOf(pid)));
  const fleetMs = fleet.reduce((sum, each) => sum + each, 0);
  const machineMs = cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.nice + times.irq, 0);
  return { fleetMs, ownMs: (await processorTimeMs()) - fleetMs, machineMs };
}

/** As the bench of one process knows a fleet: devices come by the balancer, and send at the first node. */
function asReady({ client, baseUrl, broker }: ClusterFleet & { broker: ClusterBroker }): Parameters<typeof enrolSenders>[0] {
  return {
    baseUrl,
    broker: broker.urls.at(-1) ?? '',
    async claim(options = {}) {
      const { text, token } = await client.call(api.createClaimToken, { body: { name: 'bench', uses: 1, ...options } });
      const parsed = parseClaimToken(text);
      if (parsed === undefined) throw new StarlingError('invalid-token', 'the fleet made a claim token that is none');
      return { ...parsed, id: token.id };
    },
  };
}
