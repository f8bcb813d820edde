import { jsonDecode } from '@starling/shared';

/** The payload of a JWS, whose signature is not looked at; undefined where it is none, or not as the schema has it. */
export function payloadOf<Schema extends Parameters<typeof jsonDecode>[1]>(jws: Uint8Array, schema: Schema) {
  const [, payload = ''] = Buffer.from(jws.buffer, jws.byteOffset, jws.byteLength).toString('latin1').split('.');
  try {
    return jsonDecode(Buffer.from(payload, 'base64url'), schema) as ReturnType<typeof jsonDecode<Schema>>;
  } catch {
    return undefined;
  }
}
