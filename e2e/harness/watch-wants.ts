import { bytesToHex, cborDecode, createTopics, wantSchema } from '@starling/shared';
import type { Tap } from './tap.ts';

export interface Wants {
  /** Digests that devices have asked for since `forget`. */
  asked: Set<string>;
  /** Frames that have gone to devices since `forget`. */
  framesSent(): number;
  forget(): void;
}

/** What devices ask for and get, seen on the wire. */
export function watchWants(tap: Tap): Wants {
  const topics = createTopics();
  const asked = new Set<string>();
  let frames = 0;
  tap.onPublish(({ topic, payload }) => {
    const name = topics.parse(topic)?.name;
    if (name === 'blobChunk') frames += 1;
    if (name === 'blobWant') for (const chunk of cborDecode(payload, wantSchema).chunks) asked.add(bytesToHex(chunk));
    return undefined;
  });
  return {
    asked,
    framesSent: () => frames,
    forget() {
      asked.clear();
      frames = 0;
    },
  };
}
