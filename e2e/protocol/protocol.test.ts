import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import specs from '@asyncapi/specs';
import { Validator } from '@seriousme/openapi-schema-validator';
import {
  api,
  commandTable,
  createTopics,
  messageNames,
  operatorRegistry,
  parsePortType,
  simplePortTypes,
  type TelemetryKind,
  telemetryKinds,
  wireTable,
} from '@starling/shared';
import { Ajv, type AnySchemaObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { protocolDocuments } from './documents.ts';
import { protocolFiles } from './files.ts';

const files = protocolFiles(readFileSync(fileURLToPath(new URL('README.template.md', import.meta.url)), 'utf8'));
const read = (name: string): AnySchemaObject => JSON.parse(files.get(name) ?? 'null') as AnySchemaObject;
const asyncApi = read('asyncapi.json');
const openApi = read('openapi.json');

const digest = 'ab'.repeat(32);
const device = 'a'.repeat(26);
const id = 'b'.repeat(26);

/** The schema of a message as the AsyncAPI document gives it, ready to check payloads. */
function payloadOf(message: string): ValidateFunction {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  return ajv.compile({ components: asyncApi.components, $ref: `#/components/messages/${message}/payload` });
}

describe('the page on pipelines', () => {
  const page = files.get('pipelines.md') ?? '';

  test('has every port type, and every operator with its ports', () => {
    for (const name of Object.keys(simplePortTypes)) expect(page).toContain(`| \`${name}\` |`);
    for (const { name, inputs, outputs } of operatorRegistry.values()) {
      const section = sectionOf(page, name);
      for (const [port, type] of [...Object.entries(inputs), ...Object.entries(outputs)]) {
        expect(section).toContain(`\`${port}\`: \`${type}\``);
        expect(() => parsePortType(type, { variables: true })).not.toThrow();
      }
    }
  });

  test('says of every parameter what it does, and what holds where it is left out', () => {
    const rows = [...operatorRegistry.keys()].flatMap((name) => [
      ...sectionOf(page, name).matchAll(/^\| `(\w+)` \| (.*) \| (.*) \| (.*) \|$/gm),
    ]);
    expect(rows.length).toBeGreaterThan(20);
    for (const [row, , type, , what] of rows) {
      expect(type, row).not.toMatch(/undefined|\[object/);
      expect(what, row).not.toBe('');
    }
    expect(sectionOf(page, 'image.to-tensor')).toContain('| `mean` | 3 numbers | `[0.485,0.456,0.406]` |');
    expect(sectionOf(page, 'image.decode')).toContain('| integer, 1 to 268435456 | `50000000` |');
    expect(sectionOf(page, 'image.fit')).toContain('| `width` | integer, 1 to 4096 | required |');
  });
});

/** From the heading of an operator to the next. */
function sectionOf(page: string, operator: string): string {
  return page.split('\n### ').find((section) => section.startsWith(`\`${operator}\``)) ?? expect.unreachable(`no section ${operator}`);
}

describe('the AsyncAPI document', () => {
  test('is one, by the schema of AsyncAPI 3.0.0', () => {
    // The schema brings its own copy of the draft-07 meta schema.
    const ajv = new Ajv({ strict: false, allErrors: true, meta: false, validateSchema: false });
    addFormats.default(ajv);
    const validate = ajv.compile(specs.schemas['3.0.0']);
    validate(asyncApi);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ ...asyncApi, channels: { hello: { address: 5 } } })).toBe(false);
  });

  test('has every row of the wire table, with its direction, limit and quality of service', () => {
    expect(Object.keys(asyncApi.channels)).toEqual(messageNames);
    for (const name of messageNames) {
      const row = wireTable[name];
      const operations = Object.values<AnySchemaObject>(asyncApi.operations).filter(({ channel }) => channel.$ref === `#/channels/${name}`);
      const [from, to] = row.direction.split('-to-');
      const actions = [...(from === 'fleet' ? [] : ['send']), ...(to === 'fleet' ? [] : ['receive'])];
      expect(operations.map(({ action, bindings }) => [action, bindings.mqtt.qos, bindings.mqtt.retain])).toEqual(
        actions.map((action) => [action, row.qos, row.retain]),
      );
      const channel = asyncApi.channels[name];
      expect(channel.address).toBe(`${createTopics().root}/${row.pattern}`);
      for (const { $ref } of Object.values<{ $ref: string }>(channel.messages)) {
        const message = asyncApi.components.messages[$ref.slice('#/components/messages/'.length)];
        expect(message).toMatchObject({ 'x-maximum-bytes': row.maximumBytes });
      }
    }
  });

  test('leaves no reference open', () => {
    for (const [, path] of JSON.stringify(asyncApi).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = (path ?? '').split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], asyncApi);
      expect(found, path).toBeDefined();
    }
  });

  test('tells what each command takes and gives', () => {
    const command = { kind: 'command', schemaVersion: 1, id, device, issuer: 'anna', issuedAtMs: 1, notAfterMs: 2 };
    for (const name of Object.keys(commandTable)) expect(payloadOf(`result-${name}`)({ id, status: 'accepted', atMs: 1 })).toBe(true);
    const logs = payloadOf('command-logs');
    expect(logs({ ...command, name: 'logs', arguments: { lineCount: 10 } })).toBe(true);
    expect(logs({ ...command, name: 'logs', arguments: { lineCount: 501 } })).toBe(false);
    expect(logs({ ...command, name: 'ping' })).toBe(false);
  });

  test('tells what each kind of telemetry holds', () => {
    const record = { sequence: 1, bootId: 'boot', monotonicMs: 1, wallMs: 1, clock: 'trusted' };
    const batch = (payload: unknown) => ({ streamId: id, records: [{ ...record, payload }] });
    const kinds: TelemetryKind[] = Object.keys(telemetryKinds) as TelemetryKind[];
    for (const kind of kinds) expect(payloadOf(`telemetry-${kind}`)(batch({ level: 'loud' }))).toBe(false);
    expect(payloadOf('telemetry-events')(batch({ level: 'info', code: 'started', message: 'the agent started' }))).toBe(true);
  });
});

describe('the OpenAPI document', () => {
  test('is one, by the schema of OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(openApi))).toMatchObject({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(await new Validator().validate({ ...structuredClone(openApi), paths: { '/x': { get: { responses: 5 } } } })).toMatchObject({
      valid: false,
    });
  });

  test('has every endpoint, and says whether it needs a login', () => {
    for (const [name, { method, path, access, summary }] of Object.entries(api)) {
      expect(openApi.paths[path]?.[method], `${method} ${path}`).toMatchObject({ operationId: name, summary });
      expect(openApi.paths[path][method].security).toEqual(access === 'public' ? [] : undefined);
    }
  });
});

describe('the JSON Schema of', () => {
  test.each(protocolDocuments.map(({ file }) => file))('%s compiles', (file) => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    expect(() => ajv.compile(read(`schemas/${file}.json`))).not.toThrow();
  });

  test('a desired state takes what the code takes, and lets unknown fields pass', () => {
    const state = {
      ...{ kind: 'desired-state', schemaVersion: 1, fleetId: 'f', device, epoch: 0, generation: 3, issuedAtMs: 1, expiresAtMs: 2 },
      ...{ root: { version: 1, digest }, assignment: { release: digest, artefacts: { ocr: digest } } },
    };
    const validate = new Ajv2020({ strict: false }).compile(read('schemas/desired-state.json'));
    const { schema } = protocolDocuments.find(({ file }) => file === 'desired-state') ?? expect.unreachable();
    const cases: [object, boolean][] = [
      [state, true],
      [{ ...state, later: 'a field of a newer version' }, true],
      [{ ...state, device: 'A'.repeat(26) }, false],
      [{ ...state, generation: -1 }, false],
      [{ ...state, assignment: undefined }, false],
      [{ ...state, root: { version: 0, digest } }, false],
    ];
    for (const [document, good] of cases) {
      const sent: unknown = JSON.parse(JSON.stringify(document));
      expect([validate(sent), schema.safeParse(sent).success], JSON.stringify(document)).toEqual([good, good]);
    }
  });
});
