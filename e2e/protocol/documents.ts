import {
  agentBuildSchema,
  artefactSchema,
  blobManifestSchema,
  CHUNK_BYTES_MAXIMUM,
  CONTROL_BYTES_MAXIMUM,
  capabilitiesSchema,
  claimTokenSchema,
  commandSchema,
  DESIRED_STATE_BYTES_MAXIMUM,
  DOCUMENT_BYTES_MAXIMUM,
  desiredStateSchema,
  deviceLoginClaimSchema,
  deviceProfileSchema,
  enrolmentClaimSchema,
  goldenSetSchema,
  modelVersionSchema,
  nonceSchema,
  pipelineSchema,
  ROOT_BYTES_MAXIMUM,
  releaseSchema,
  reportedStateSchema,
  type SignedKind,
  storedManifestSchema,
  trustRootSchema,
  typOf,
} from '@starling/shared';
import type { z } from 'zod';

export interface ProtocolDocument {
  /** Name of its file below docs/protocol/schemas. */
  file: string;
  schema: z.ZodType;
  /** How it travels. */
  form: string;
  /** Whose signature it carries, if any. */
  signer: string;
  maximumBytes?: number;
}

const jws = (kind: SignedKind): string => `compact JWS, typ \`${typOf(kind)}\``;

/** Every document of the protocol, in the order in which a device meets them. */
export const protocolDocuments: readonly ProtocolDocument[] = [
  { file: 'claim-token', schema: claimTokenSchema, form: '`starling1.` + base64url of JSON', signer: '' },
  { file: 'trust-root', schema: trustRootSchema, form: 'JWS, general serialisation', signer: 'root', maximumBytes: ROOT_BYTES_MAXIMUM },
  { file: 'capabilities', schema: capabilitiesSchema, form: 'JSON inside claims', signer: 'device' },
  { file: 'device-enrolment', schema: enrolmentClaimSchema, form: jws('device-enrolment'), signer: 'device', maximumBytes: 65_536 },
  { file: 'time', schema: nonceSchema, form: jws('time'), signer: 'fleet', maximumBytes: 4096 },
  { file: 'device-login', schema: deviceLoginClaimSchema, form: jws('device-login'), signer: 'device', maximumBytes: 65_536 },
  {
    file: 'desired-state',
    schema: desiredStateSchema,
    form: jws('desired-state'),
    signer: 'fleet',
    maximumBytes: DESIRED_STATE_BYTES_MAXIMUM,
  },
  { file: 'agent-build', schema: agentBuildSchema, form: jws('agent-build'), signer: 'publisher', maximumBytes: DOCUMENT_BYTES_MAXIMUM },
  { file: 'release', schema: releaseSchema, form: jws('release'), signer: 'publisher', maximumBytes: DOCUMENT_BYTES_MAXIMUM },
  { file: 'pipeline', schema: pipelineSchema, form: jws('pipeline'), signer: 'publisher', maximumBytes: DOCUMENT_BYTES_MAXIMUM },
  {
    file: 'model-version',
    schema: modelVersionSchema,
    form: jws('model-version'),
    signer: 'publisher',
    maximumBytes: DOCUMENT_BYTES_MAXIMUM,
  },
  { file: 'artefact', schema: artefactSchema, form: jws('artefact'), signer: 'fleet', maximumBytes: DOCUMENT_BYTES_MAXIMUM },
  { file: 'golden-set', schema: goldenSetSchema, form: 'CBOR, one chunk', signer: '', maximumBytes: CHUNK_BYTES_MAXIMUM },
  { file: 'manifest-page', schema: storedManifestSchema, form: 'CBOR, one chunk', signer: '', maximumBytes: CHUNK_BYTES_MAXIMUM },
  { file: 'blob-manifest', schema: blobManifestSchema, form: 'what the pages of a manifest say together', signer: '' },
  { file: 'reported-state', schema: reportedStateSchema, form: 'JSON', signer: '', maximumBytes: CONTROL_BYTES_MAXIMUM },
  { file: 'command', schema: commandSchema, form: jws('command'), signer: 'fleet', maximumBytes: CONTROL_BYTES_MAXIMUM },
  { file: 'device-profile', schema: deviceProfileSchema, form: 'YAML, stays in the fleet', signer: '' },
];
