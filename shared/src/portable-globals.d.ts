/**
 * The few globals that Node and browsers share and that portable code may use. `shared` and `agent/src/core` are compiled with
 * this file instead of the types of either runtime, so that reaching for `process`, `document` or a timer does not compile.
 */
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
declare const AbortSignal: { any(signals: AbortSignal[]): AbortSignal; abort(reason?: unknown): AbortSignal };
interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare const AbortController: { new (): AbortController };

interface TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare const TextEncoder: { new (): TextEncoder };
interface TextDecoder {
  decode(bytes?: Uint8Array): string;
}
declare const TextDecoder: { new (label?: string, options?: { fatal?: boolean }): TextDecoder };

declare function btoa(text: string): string;
declare function atob(text: string): string;

interface CryptoKey {
  readonly type: string;
}
interface JsonWebKey {
  kty?: string;
  crv?: string;
  x?: string;
  d?: string;
}
interface SubtleCrypto {
  digest(algorithm: string, bytes: Uint8Array): Promise<ArrayBuffer>;
}
declare const crypto: { readonly subtle: SubtleCrypto; getRandomValues<T extends Uint8Array>(bytes: T): T };
