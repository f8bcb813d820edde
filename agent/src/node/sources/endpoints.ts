import { StarlingError } from '@starling/shared';

/** One request to an address that a source has opened. */
export interface PushRequest {
  contentType: string;
  body: Uint8Array;
  /** Query of the address: `stream`, `item`, `port`. */
  stream: string | undefined;
  item?: string | undefined;
  port: string | undefined;
  /** Of whoever sends it (W3C Trace Context): its trace goes on with the item. */
  traceparent?: string | undefined;
  signal: AbortSignal;
}

export interface PushEndpoint {
  maximumBytes: number;
  /** @returns what is answered; undefined where nobody waits for outputs */
  take(request: PushRequest): Promise<unknown>;
}

/** Addresses of the local server that sources have opened, `/v1/sources/NAME`. */
export interface PushEndpoints {
  /** @returns closes it again. Of two with one name, as while a release is switched, the newer answers. */
  open(name: string, endpoint: PushEndpoint): () => void;
  /** @throws StarlingError `unknown-source` */
  find(name: string): PushEndpoint;
}

export function createPushEndpoints(): PushEndpoints {
  const opened = new Map<string, PushEndpoint[]>();
  return {
    open(name, endpoint) {
      opened.set(name, [...(opened.get(name) ?? []), endpoint]);
      return () => {
        const left = (opened.get(name) ?? []).filter((each) => each !== endpoint);
        if (left.length === 0) opened.delete(name);
        else opened.set(name, left);
      };
    },
    find(name) {
      const endpoint = opened.get(name)?.at(-1);
      if (endpoint !== undefined) return endpoint;
      const names = [...opened.keys()];
      throw new StarlingError('unknown-source', `no running pipeline has an http source "${name}"`, {
        field: 'name',
        hint: names.length === 0 ? 'none has an http source at all' : `there are: ${names.join(', ')}`,
      });
    },
  };
}
