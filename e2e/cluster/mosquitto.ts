/** Debian's mosquitto with its dynamic security -> a broker that keeps the logins of devices, on a free port of loopback. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePorts } from '../harness/free-ports.ts';
import { until } from '../harness/running-fleet.ts';
import { type ClusterBroker, FLEET_LOGIN, isListening } from './cluster-broker.ts';

const PLUGIN = '/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so';

const securitySchema = z.looseObject({ roles: z.array(z.looseObject({ rolename: z.string(), acls: z.array(z.unknown()) })) });

/** Files of a broker that speaks TLS; they are read again at each start. */
export interface BrokerTls {
  certificate: string;
  key: string;
  /** Whom the fleet is to believe. */
  authorities: string;
}

/**
 * Makes a certificate for a broker on loopback, as the guide tells operators to.
 * @param authority of the fleet, by which devices know the broker as well
 */
export async function signBroker(folder: string, authority: { certificate: string; key: string }): Promise<Omit<BrokerTls, 'authorities'>> {
  const [key, request, extension, certificate] = ['broker-key.pem', 'broker.csr', 'broker.ext', 'broker.pem'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const openssl = (...words: string[]): Promise<unknown> => promisify(execFile)('openssl', words);
  await writeFile(extension, 'subjectAltName=IP:127.0.0.1');
  await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-subj', '/CN=broker', '-out', request);
  const signer = ['-CA', authority.certificate, '-CAkey', authority.key, '-CAserial', join(folder, 'broker.srl'), '-CAcreateserial'];
  await openssl('x509', '-req', '-in', request, ...signer, '-days', '390', '-extfile', extension, '-out', certificate);
  return { certificate, key };
}

/** @param program absolute path of `mosquitto` @param tls without it, it is plain */
export async function startDeviceMosquitto(program: string, tls?: BrokerTls): Promise<ClusterBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-mosquitto-'));
  const [port = 0] = await freePorts(1);
  const security = join(folder, 'dynamic-security.json');
  const { username, password } = FLEET_LOGIN;
  await promisify(execFile)('mosquitto_ctrl', ['dynsec', 'init', security, username, password]);
  await allowTopics(security);
  const configuration = join(folder, 'mosquitto.conf');
  const lines = [
    // Started by root it would become another user, who may read nothing of ours.
    `user ${userInfo().username}`,
    `listener ${port} 127.0.0.1`,
    ...(tls === undefined ? [] : [`certfile ${tls.certificate}`, `keyfile ${tls.key}`]),
    'allow_anonymous false',
    'persistence false',
    `plugin ${PLUGIN}`,
    `plugin_opt_config_file ${security}`,
    'max_queued_messages 100000',
    'max_inflight_messages 1000',
  ];
  await writeFile(configuration, lines.join('\n'));
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(program, ['-c', configuration], { stdio: 'ignore' });
    await until('mosquitto answers', () => isListening(port), 10_000);
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    child = undefined;
  };
  await start();
  const url = `${tls === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${port}`;
  return {
    name: 'mosquitto',
    urls: [url],
    settings: () => ({
      flags: { 'broker-logins': 'mosquitto', ...(tls === undefined ? {} : { 'broker-authority': tls.authorities }) },
      environment: {},
    }),
    kill,
    start,
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As the guide tells operators to: the login of the fleet may use its topics, besides the ones of the plugin. */
async function allowTopics(file: string): Promise<void> {
  const security = securitySchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const rules = ['publishClientSend'].map((acltype) => ({
    ...{ acltype, topic: 'starling/#', priority: 0, allow: true },
  }));
  for (const role of security.roles) if (role.rolename === 'admin') role.acls.push(...rules);
  await writeFile(file, JSON.stringify(security));
}
