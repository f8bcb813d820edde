import { StarlingError } from '@starling/shared';

export type ImportSource =
  | { kind: 'file'; path: string }
  | { kind: 'address'; url: URL }
  | { kind: 'hub'; owner: string; name: string; path: string; revision: string };

const HUB = /^hf:\/\/([\w.-]+)\/([\w.-]+)\/([^@]+?)(?:@(.+))?$/;
const HUB_REVISION = 'main';

/**
 * Reads what a person wrote as the source of an import.
 * @throws StarlingError `bad-source`
 */
export function parseImportSource(text: string): ImportSource {
  if (text.startsWith('hf:')) return parseHub(text);
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: 'file', path: text };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw badSource(`"${text}" is no address that can be fetched`, 'use a path, https://..., or hf://owner/name/file.onnx');
  }
  if (url.username !== '' || url.password !== '') {
    throw badSource('an address with a password in it would stay in the shell history', 'fetch the file yourself, and import it from disk');
  }
  return { kind: 'address', url };
}

function parseHub(text: string): ImportSource {
  const [, owner, name, path, revision = HUB_REVISION] = HUB.exec(text) ?? [];
  const parts = path?.split('/') ?? [];
  if (
    owner === undefined ||
    name === undefined ||
    path === undefined ||
    parts.some((part) => part === '' || part === '.' || part === '..')
  ) {
    throw badSource(`"${text}" names no file of a repository`, 'write it like hf://owner/name/onnx/model.onnx, with @revision if need be');
  }
  return { kind: 'hub', owner, name, path, revision };
}

function badSource(message: string, hint: string): StarlingError {
  return new StarlingError('bad-source', message, { field: 'source', hint });
}
