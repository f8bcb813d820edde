import { isStarlingError, messageOf, type SourceParams } from '@starling/shared';
import { type Login, openAudio } from './audio.ts';
import type { OpenSource } from './source.ts';

/** The source `audio` of a pipeline: its credentials are looked up each time that it is opened. */
export const openSound: OpenSource<SourceParams<'audio'>> = (params, { node, push, log, tell, credentials }) => {
  const { credentials: named } = params;
  let told = '';
  const findLogin = async (): Promise<Login | undefined> => {
    try {
      const found = named === undefined ? undefined : await credentials.find(named);
      return found !== undefined && 'username' in found ? found : undefined;
    } catch (error) {
      const code = isStarlingError(error) ? error.code : 'source-failed';
      // It is tried again every few seconds; one reason is told once.
      if (told !== messageOf(error)) tell('error', code, `${node}: ${messageOf(error)}`, { node });
      told = messageOf(error);
      throw error;
    }
  };
  return openAudio(params, (values) => push({ audio: values.audio }), log, findLogin);
};
