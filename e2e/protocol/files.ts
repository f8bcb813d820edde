import { openApiDocument } from '@starling/fleet';
import {
  CHUNK_BYTES_MAXIMUM,
  commandTable,
  createTopics,
  DESIRED_STATE_LIFE_MS,
  MANIFEST_CHUNKS_MAXIMUM,
  MANIFEST_PAGES_MAXIMUM,
  messageNames,
  NONCE_MS,
  PACKET_BYTES_MAXIMUM,
  PRESENCE_INTERVAL_MS,
  PRESENCE_TIMEOUT_MS,
  PROTOCOL_VERSION,
  PULL_QUEUE_CHUNKS_MAXIMUM,
  PULL_WINDOW_BYTES,
  PULL_WINDOW_BYTES_MINIMUM,
  StarlingError,
  telemetryKinds,
  WANT_CHUNKS_MAXIMUM,
  wireTable,
} from '@starling/shared';
import { asyncApiDocument } from './asyncapi.ts';
import { protocolDocuments } from './documents.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { table } from './markdown.ts';
import { pipelinesPage } from './pipelines-page.ts';

/** Name below docs/protocol -> text. @param template README with `{{name}}` where a table or a figure goes */
export function protocolFiles(template: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, schema } of protocolDocuments) files.set(`schemas/${file}.json`, toJson(jsonSchemaOf(schema)));
  files.set('asyncapi.json', toJson(asyncApiDocument()));
  files.set('openapi.json', toJson(openApiDocument()));
  files.set('pipelines.md', pipelinesPage());
  files.set('README.md', fill(template, { ...tables(), ...figures() }));
  return files;
}

const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new StarlingError('unknown-placeholder', `README.template.md names {{${name}}}, which is not known`);
    return value;
  });
}

function tables(): Record<string, string> {
  return {
    topics: table(
      ['topic below the root', 'direction', 'QoS', 'encoding', 'at most', 'what'],
      messageNames.map((name) => {
        const { pattern, direction, qos, encoding, maximumBytes, summary } = wireTable[name];
        return [`\`${pattern}\``, direction.replace('-to-', ' → '), String(qos), encoding, bytes(maximumBytes), summary];
      }),
    ),
    documents: table(
      ['document', 'form', 'signed by', 'at most'],
      protocolDocuments.map(({ file, form, signer, maximumBytes }) => [
        `[${file}](schemas/${file}.json)`,
        form,
        signer === '' ? '–' : signer,
        maximumBytes === undefined ? '–' : bytes(maximumBytes),
      ]),
    ),
    commands: table(
      ['command', 'what'],
      Object.entries(commandTable).map(([name, { summary }]) => [`\`${name}\``, summary]),
    ),
    telemetryKinds: Object.keys(telemetryKinds)
      .map((kind) => `\`${kind}\``)
      .join(', '),
  };
}

function figures(): Record<string, string> {
  return {
    topicRoot: createTopics().root,
    protocolVersion: String(PROTOCOL_VERSION),
    packetBytes: bytes(PACKET_BYTES_MAXIMUM),
    chunkBytes: bytes(CHUNK_BYTES_MAXIMUM),
    wantChunks: String(WANT_CHUNKS_MAXIMUM),
    queueChunks: String(PULL_QUEUE_CHUNKS_MAXIMUM),
    windowBytes: bytes(PULL_WINDOW_BYTES),
    windowBytesMinimum: String(PULL_WINDOW_BYTES_MINIMUM),
    windowBytesMaximum: String(PULL_WINDOW_BYTES),
    manifestChunks: String(MANIFEST_CHUNKS_MAXIMUM),
    manifestPages: String(MANIFEST_PAGES_MAXIMUM),
    presenceSeconds: String(PRESENCE_INTERVAL_MS / 1000),
    presenceTimeoutSeconds: String(PRESENCE_TIMEOUT_MS / 1000),
    nonceSeconds: String(NONCE_MS / 1000),
    desiredStateDays: String(DESIRED_STATE_LIFE_MS / 86_400_000),
  };
}

/** Bytes as people read them: KiB where it comes out even. */
function bytes(count: number): string {
  if (count % (1024 * 1024) === 0) return `${count / (1024 * 1024)} MiB`;
  return count % 1024 === 0 ? `${count / 1024} KiB` : `${count} bytes`;
}
