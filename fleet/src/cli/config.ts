import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { cliError } from './errors.ts';

/** What holds for every command, from flags and environment; flags win. */
export interface Settings {
  /** Origin of the fleet, e.g. `https://fleet.example:8443`; undefined: the one of the last login. */
  fleet: string | undefined;
  token: string | undefined;
  /** PEM file of the authority of the fleet. */
  authorityFile: string | undefined;
  /** Plain HTTP to other machines is refused without it. */
  insecure: boolean;
  json: boolean;
  quiet: boolean;
  /** Where logins and keys lie. */
  directory: string;
  /** What can be fetched again. */
  cacheDirectory: string;
  rootKeyFile: string;
  publisherKeyFile: string;
  /** The hub of `hf://` sources, and the token for it. */
  hub: string;
  hubToken: string | undefined;
  colour: boolean;
  /** Terminals that cannot move their cursor get plain lines. */
  dumbTerminal: boolean;
}

const globalOptionsSchema = z.object({
  fleet: z.string().optional(),
  token: z.string().optional(),
  ca: z.string().optional(),
  insecure: z.boolean().default(false),
  json: z.boolean().default(false),
  quiet: z.boolean().default(false),
});

type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables, as `starling --help` lists them. */
export const environmentHelp: readonly (readonly [string, string])[] = [
  ['STARLING_FLEET', 'address of the fleet, as --fleet'],
  ['STARLING_TOKEN', 'API token, as --token, but invisible to other users of this machine'],
  ['STARLING_CA', "PEM file of the fleet's own certificate authority, as --ca"],
  ['STARLING_ROOT_KEY', 'file of the root key, as --root-key'],
  ['STARLING_PUBLISHER_KEY', 'file of the publisher key, as --publisher-key'],
  ['HF_TOKEN', 'token for hf:// sources of "model import"'],
  ['HF_ENDPOINT', 'address of another hub than https://huggingface.co'],
  ['XDG_CONFIG_HOME', 'logins and keys lie in starling/ below it (default ~/.config)'],
  ['XDG_CACHE_HOME', 'models that were pulled lie in starling/ below it (default ~/.cache)'],
  ['NO_COLOR', 'no colours'],
];

/** @throws StarlingError `bad-address`, `usage` */
export function readSettings(options: Record<string, unknown>, environment: Environment = process.env): Settings {
  const flags = globalOptionsSchema.parse(options);
  const fleet = flags.fleet ?? present(environment.STARLING_FLEET);
  const token = flags.token ?? present(environment.STARLING_TOKEN);
  if (token?.startsWith('starling1.')) {
    throw cliError('usage', 'this is a claim token, which lets a device enrol; the CLI needs an API token', {
      field: flags.token === undefined ? 'STARLING_TOKEN' : '--token',
      hint: 'make one with "starling api-token create" or sign in with "starling login"',
    });
  }
  const directory = xdgDirectory(environment.XDG_CONFIG_HOME, '.config');
  return {
    fleet: fleet === undefined ? undefined : parseFleetAddress(fleet, flags.fleet === undefined ? 'STARLING_FLEET' : '--fleet'),
    token,
    authorityFile: flags.ca ?? present(environment.STARLING_CA),
    insecure: flags.insecure,
    json: flags.json,
    quiet: flags.quiet,
    directory,
    cacheDirectory: xdgDirectory(environment.XDG_CACHE_HOME, '.cache'),
    rootKeyFile: present(environment.STARLING_ROOT_KEY) ?? join(directory, 'keys', 'root.json'),
    publisherKeyFile: present(environment.STARLING_PUBLISHER_KEY) ?? join(directory, 'keys', 'publisher.json'),
    hub: hubAddress(present(environment.HF_ENDPOINT) ?? 'https://huggingface.co'),
    hubToken: present(environment.HF_TOKEN),
    colour: present(environment.NO_COLOR) === undefined && environment.TERM !== 'dumb',
    dumbTerminal: environment.TERM === 'dumb',
  };
}

/**
 * Where relative paths start: npm runs a script in the folder of its package, wherever the person is who asked for it.
 * @returns undefined where it is the current directory
 */
export function startDirectory(environment: Environment = process.env): string | undefined {
  return environment.npm_lifecycle_event === 'starling' ? present(environment.INIT_CWD) : undefined;
}

/** After the XDG base directory specification: a relative path there is ignored. */
function xdgDirectory(base = '', byDefault: string): string {
  return join(isAbsolute(base) ? base : join(homedir(), byDefault), 'starling');
}

/** The origin of an address. @throws StarlingError `bad-address` */
export function parseFleetAddress(text: string, field: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw cliError('bad-address', `"${text}" is no address of a fleet`, {
      field,
      hint: 'write it like https://fleet.example:8443 or http://localhost:8080',
    });
  }
  return url.origin;
}

/** An origin, and perhaps a path below which a hub lies. @throws StarlingError `bad-address` */
function hubAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw cliError('bad-address', `"${text}" is no address of a hub`, {
      field: 'HF_ENDPOINT',
      hint: 'write it like https://huggingface.co',
    });
  }
  return url.href.replace(/\/$/, '');
}

/** Loopback never leaves the machine, so plain HTTP is fine there. */
export function isLoopback(origin: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(origin).hostname);
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
