import {
  artefactSchema,
  capabilitiesSchema,
  commandTable,
  createTopics,
  DEFAULT_TOPIC_ROOT,
  type Direction,
  edgeValueSchema,
  homeMessageSchema,
  type MessageName,
  messageNames,
  PROTOCOL_VERSION,
  telemetryKinds,
  type WireMessage,
  wireTable,
  workerMessageSchema,
} from '@starling/shared';
import type { z } from 'zod';
import { componentSchemas, type JsonSchema } from './json-schema.ts';

const contentTypes: Record<WireMessage['encoding'], string> = {
  json: 'application/json',
  cbor: 'application/cbor',
  jws: 'application/jose',
  frame: 'application/octet-stream',
};

const parameters: Record<string, JsonSchema> = {
  device: { description: 'Device id, the same as client id and user name' },
  id: { description: 'Id of the command that is answered; to an operator, the id of their request' },
  account: { description: 'Account of an operator, the same as the user name' },
  name: { description: 'Name of the command', enum: Object.keys(commandTable) },
  kind: { description: 'Kind of telemetry', enum: Object.keys(telemetryKinds) },
  pipeline: { description: 'Name of the pipeline that is cut' },
  part: { description: 'Name of the part of it that one of the two runs for the other' },
  from: { description: 'Id of the device that sends' },
  to: { description: 'Id of the device that it is for' },
};

const reference = (kind: 'schemas' | 'messages', name: string): JsonSchema => ({ $ref: `#/components/${kind}/${name}` });
const capitalised = (name: string): string => name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The wire table as an AsyncAPI 3 document, from the side of whoever connects to the fleet: a device, or the tool of an operator. */
export function asyncApiDocument(): JsonSchema {
  const topics = createTopics();
  const messages = Object.fromEntries(messageNames.flatMap((name) => messagesOf(name)));
  return {
    asyncapi: '3.0.0',
    id: `urn:starling:protocol:${PROTOCOL_VERSION}`,
    info: {
      title: 'Starling device protocol',
      version: String(PROTOCOL_VERSION),
      description:
        'What a device sends and receives over MQTT 3.1.1; and, on topics that begin with operator, the tools of an operator. README.md beside this file explains the session, the order of checks and the limits.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      tls: server('{host}:8883', 'mqtts', 'MQTT over TLS'),
      websocket: { ...server('{host}:8443', 'wss', 'MQTT over WebSocket, subprotocol mqtt'), pathname: '/mqtt' },
    },
    channels: Object.fromEntries(messageNames.map((name) => [name, channelOf(name, topics.root)])),
    operations: Object.fromEntries(messageNames.flatMap(operationsOf)),
    components: {
      schemas: componentSchemas(schemas()),
      messages,
      securitySchemes: {
        login: {
          type: 'userPassword',
          description:
            'User name and client id are the device id; the password comes from /api/v1/device-access/login. Of an operator: any client id, the name of the account, and its password',
        },
      },
    },
    'x-topic-root': DEFAULT_TOPIC_ROOT,
  };
}

function server(host: string, protocol: string, title: string): JsonSchema {
  return {
    host,
    protocol,
    protocolVersion: '3.1.1',
    title,
    variables: { host: { description: 'The device-access login answers with the addresses to use, best first' } },
    security: [{ $ref: '#/components/securitySchemes/login' }],
  };
}

type Action = 'send' | 'receive';

/** What a device, or the tool of an operator, does with a message; what goes from one device to another, one sends and the other receives. */
const actions: Record<Direction, readonly Action[]> = {
  'device-to-fleet': ['send'],
  'fleet-to-device': ['receive'],
  'device-to-device': ['send', 'receive'],
  'operator-to-fleet': ['send'],
  'fleet-to-operator': ['receive'],
};

function operationsOf(name: MessageName): [string, JsonSchema][] {
  return actions[wireTable[name].direction].map((action) => [
    `${action}${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
    operationOf(name, action),
  ]);
}

function operationOf(name: MessageName, action: Action): JsonSchema {
  const { qos, retain, summary } = wireTable[name];
  return {
    action,
    channel: { $ref: `#/channels/${name}` },
    summary,
    bindings: { mqtt: { qos, retain, bindingVersion: '0.2.0' } },
  };
}

function channelOf(name: MessageName, root: string): JsonSchema {
  const { pattern, summary } = wireTable[name];
  const names = [...pattern.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  return {
    address: `${root}/${pattern}`,
    summary,
    parameters: Object.fromEntries(names.map((parameter) => [parameter, parameters[parameter] ?? {}])),
    messages: Object.fromEntries(messagesOf(name).map(([message]) => [message, reference('messages', message)])),
  };
}

/** A row is one message; commands, their results and telemetry are one for each of their kinds. */
function messagesOf(name: MessageName): [string, JsonSchema][] {
  const row: WireMessage = wireTable[name];
  const message = (title: string, summary: string, payload: JsonSchema): JsonSchema => ({
    name: title,
    title,
    summary,
    contentType: contentTypes[row.encoding],
    payload,
    'x-maximum-bytes': row.maximumBytes,
    ...(row.encoding === 'jws' ? { 'x-signed-as': 'a compact JWS; the schema is that of its payload' } : {}),
  });
  if (name === 'command') {
    return Object.entries(commandTable).map(([command, { summary }]) => {
      const narrowed = { properties: { name: { const: command }, arguments: reference('schemas', `${capitalised(command)}Arguments`) } };
      return [`command-${command}`, message(`command-${command}`, summary, { allOf: [reference('schemas', 'Command'), narrowed] })];
    });
  }
  if (name === 'result') {
    return Object.entries(commandTable).map(([command, { summary }]) => {
      const narrowed = { properties: { result: reference('schemas', `${capitalised(command)}Result`) } };
      const payload = { allOf: [reference('schemas', 'CommandResult'), narrowed] };
      return [`result-${command}`, message(`result-${command}`, `Result of: ${summary}`, payload)];
    });
  }
  if (name === 'telemetry') {
    return Object.keys(telemetryKinds).map((kind) => {
      const record = { properties: { payload: reference('schemas', `${capitalised(kind)}Record`) } };
      const payload = { allOf: [reference('schemas', 'TelemetryBatch'), { properties: { records: { items: record } } }] };
      return [`telemetry-${kind}`, message(`telemetry-${kind}`, `Batch of ${kind} records`, payload)];
    });
  }
  if (row.schema === undefined) {
    const payload = { type: 'string', format: 'binary', description: 'A chunk frame; README.md beside this file gives its layout' };
    return [[name, message(name, row.summary, payload)]];
  }
  return [[name, message(name, row.summary, reference('schemas', idOf(row.schema)))]];
}

function idOf(schema: z.ZodType): string {
  return schema.meta()?.id ?? '';
}

function schemas(): Record<string, z.ZodType> {
  // Those that are named inside others are referred to as well.
  const named: Record<string, z.ZodType> = {
    ...{ Artefact: artefactSchema, Capabilities: capabilitiesSchema, EdgeValue: edgeValueSchema },
    ...{ StreamHomeMessage: homeMessageSchema, StreamWorkerMessage: workerMessageSchema },
  };
  for (const name of messageNames) {
    const { schema }: WireMessage = wireTable[name];
    if (schema !== undefined) named[idOf(schema)] = schema;
  }
  for (const [command, { arguments: given, result }] of Object.entries(commandTable)) {
    named[`${capitalised(command)}Arguments`] = given;
    named[`${capitalised(command)}Result`] = result;
  }
  for (const [kind, schema] of Object.entries(telemetryKinds)) named[`${capitalised(kind)}Record`] = schema;
  return named;
}
