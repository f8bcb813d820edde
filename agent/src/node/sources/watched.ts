import { type InferenceResult, sourceSignatures } from '@starling/shared';
import { openFolder } from './folder.ts';
import type { Source, SourceContext } from './source.ts';
import { openRtsp, openVideoFile } from './video.ts';

/** What the settings `watch` and `video` need: a pipeline with one input, whatever its sources. */
export interface WatchPorts extends Omit<SourceContext, 'node' | 'pipeline' | 'push'> {
  /** Runs an image; rejects while no release runs. */
  infer(image: Uint8Array, source: string): Promise<InferenceResult>;
}

/** Pause between two images of a watched folder. */
const FOLDER_PAUSE_MS = 400;

/** Reads a folder again and again, so that it stands in for a camera, and logs what was read. */
export function watchFolder(path: string, { infer, ...ports }: WatchPorts): Source {
  const params = sourceSignatures.folder.params.parse({ path, loop: true, pauseMs: FOLDER_PAUSE_MS });
  return openFolder(params, {
    ...{ ...ports, pipeline: '', node: 'watch' },
    async push({ image, name }) {
      const result = await infer(image as Uint8Array, `folder:${String(name)}`);
      ports.log.info('read', { file: name, latencyMs: Math.round(result.latencyMs), readings: textsOf(result.outputs) });
    },
  });
}

/** Frames of a video file, again and again, or of an RTSP camera. A login may stand in the address: it is told to nobody. */
export function watchVideo(address: string, framesPerSecond: number, { infer, ...ports }: WatchPorts): Source {
  const { url, username, password } = splitLogin(address);
  let lastTexts = '';
  const context: SourceContext = {
    ...{ ...ports, pipeline: '', node: 'video' },
    credentials: { find: async () => ({ username, password }) },
    async push({ image }) {
      const { outputs, latencyMs } = await infer(image as Uint8Array, `video:${url}`);
      const readings = textsOf(outputs);
      // A sign stays in view for many frames, and is worth one line.
      if (readings === undefined || JSON.stringify(readings) === lastTexts) return;
      lastTexts = JSON.stringify(readings);
      ports.log.info('read', { video: url, latencyMs: Math.round(latencyMs), readings });
    },
  };
  const isLive = /^rtsps?:/.test(url);
  const login = username === '' ? {} : { credentials: 'video' };
  return isLive
    ? openRtsp(sourceSignatures.rtsp.params.parse({ url, framesPerSecond, ...login }), context)
    : openVideoFile(sourceSignatures.video.params.parse({ path: url, framesPerSecond, loop: true }), context);
}

function splitLogin(address: string): { url: string; username: string; password: string } {
  const match = /^(\w+:\/\/)([^/@]*)@(.*)$/.exec(address);
  if (match === null) return { url: address, username: '', password: '' };
  const [, scheme = '', login = '', rest = ''] = match;
  const [username = '', ...password] = login.split(':');
  return { url: scheme + rest, username: decodeURIComponent(username), password: decodeURIComponent(password.join(':')) };
}

/** The texts among outputs, for a line of the log; undefined where a pipeline reads none. */
function textsOf({ readings }: Readonly<Record<string, unknown>>): string[] | undefined {
  return Array.isArray(readings) ? readings.map(({ text }: { text?: unknown }) => String(text)) : undefined;
}
