import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { StarlingError } from '@starling/shared';
import { readClaimToken } from '../../core/link/index.ts';
import { measureCapabilities } from '../capabilities.ts';
import { claimTokenFromEnvironment, readAgentConfig } from '../config.ts';
import { claimDataDirectory } from '../data-directory.ts';
import { enrol } from '../enrol.ts';
import { engineProviders } from '../start.ts';

export interface EnrolOptions {
  dataDirectory?: string;
  tokenFile?: string;
  json?: boolean;
}

export async function enrolDevice(options: EnrolOptions): Promise<void> {
  const config = readAgentConfig({ dataDirectory: options.dataDirectory });
  const directory = await claimDataDirectory(config.dataDirectory);
  const { enrolment, status } = await enrolIn(directory, options.tokenFile);
  if (options.json === true) console.log(JSON.stringify({ device: enrolment.device, fleetId: enrolment.fleetId, status }));
  else
    console.log(`enrolled as ${enrolment.device} in ${enrolment.fleetId}${status === 'pending' ? '; an operator has to approve it' : ''}`);
}

export async function enrolIn(directory: string, tokenFile: string | undefined) {
  const token = readClaimToken(await readTokenText(tokenFile));
  return enrol(directory, token, await measureCapabilities(directory, engineProviders()));
}

async function readTokenText(tokenFile: string | undefined): Promise<string> {
  if (tokenFile === '-') return text(process.stdin);
  if (tokenFile !== undefined) {
    return readFile(tokenFile, 'utf8').catch((cause: unknown) => {
      throw new StarlingError('no-token', `${tokenFile} cannot be read`, { field: 'tokenFile', cause });
    });
  }
  const fromEnvironment = claimTokenFromEnvironment();
  if (fromEnvironment !== undefined) return fromEnvironment;
  throw new StarlingError('no-token', 'there is no claim token', {
    field: 'token',
    hint: 'use --token-file FILE, --token-file - or STARLING_TOKEN',
  });
}
