import { isStarlingError, messageOf, type SourceParams } from '@starling/shared';
import { openAudio } from './audio.ts';
import type { OpenSource, Source } from './source.ts';

/** The source `audio` of a pipeline: its credentials are looked up when it is opened. */
export const openSound: OpenSource<SourceParams<'audio'>> = (params, { node, push, log, tell, credentials }) => {
  let closed = false;
  const opening = (async (): Promise<Source | undefined> => {
    try {
      const found = params.credentials === undefined ? undefined : await credentials.find(params.credentials);
      const login = found !== undefined && 'username' in found ? found : undefined;
      return closed ? undefined : openAudio(params, (values) => push({ audio: values.audio }), log, login);
    } catch (error) {
      const code = isStarlingError(error) ? error.code : 'source-failed';
      tell('error', code, `${node}: ${messageOf(error)}`, { node });
      return undefined;
    }
  })();
  return {
    async close() {
      closed = true;
      await (await opening)?.close();
    },
  };
};
