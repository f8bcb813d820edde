import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import { z } from 'zod';
import { type RequestOptions, refusalOf, request } from './request.ts';
import type { ImportSource } from './source.ts';

/** What the hub says about a file before its first byte is fetched. */
export interface HubFile {
  url: URL;
  /** Commit to which the revision points now. */
  revision: string;
  licence: string | undefined;
  sizeBytes: number | undefined;
  /** `sha256` of files that it keeps outside of git, `git` (SHA-1 of a blob) of the others. */
  digest: { algorithm: 'sha256' | 'git'; hex: string } | undefined;
}

const modelInfoSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  cardData: z.object({ license: z.union([z.string(), z.array(z.string())]).optional(), license_name: z.string().optional() }).nullish(),
  tags: z.array(z.string()).optional(),
});

const INFO_BYTES_MAXIMUM = 8 * 1024 ** 2;

/**
 * Asks the Hugging Face hub, or one that speaks like it, about a file: `/api/models/{id}/revision/{revision}` names the commit and the
 * licence, the headers of `/{id}/resolve/{commit}/{path}` name size and digest.
 * @throws StarlingError `import-not-found`, `import-forbidden`, `import-refused`, `import-unreachable`
 */
export async function findHubFile(
  source: Extract<ImportSource, { kind: 'hub' }>,
  hub: URL,
  options: Omit<RequestOptions, 'method'>,
): Promise<HubFile> {
  const base = hub.href.replace(/\/$/, '');
  const id = `${source.owner}/${source.name}`;
  const info = await readInfo(new URL(`${base}/api/models/${id}/revision/${encodeURIComponent(source.revision)}`), options);
  const path = source.path.split('/').map(encodeURIComponent).join('/');
  const url = new URL(`${base}/${id}/resolve/${info.sha}/${path}`);
  const headers: Pick<HubFile, 'sizeBytes' | 'digest'> = { sizeBytes: undefined, digest: undefined };
  // The hub itself states size and digest; whoever keeps the bytes may call something else an entity tag, or know no HEAD.
  const answer = await request(url, { ...options, method: 'HEAD', staysAtOrigin: true }, (each) => {
    headers.digest ??= digestOf(each.headers.get('x-linked-etag') ?? each.headers.get('etag'));
    const size = each.headers.get('x-linked-size') ?? (each.ok ? each.headers.get('content-length') : null);
    headers.sizeBytes ??= size === null ? undefined : Number(size);
  });
  if (answer.status >= 400) throw refusalOf(answer, url);
  return { url, revision: info.sha, licence: licenceOf(info), ...headers };
}

async function readInfo(url: URL, options: Omit<RequestOptions, 'method'>): Promise<z.infer<typeof modelInfoSchema>> {
  const answer = await request(url, { ...options, method: 'GET' });
  if (!answer.ok) {
    await answer.body?.cancel();
    throw refusalOf(answer, url);
  }
  try {
    return modelInfoSchema.parse(JSON.parse(await readText(answer)));
  } catch (cause) {
    if (isStarlingError(cause)) throw cause;
    throw new StarlingError('import-refused', `${url.host} does not answer like a model hub: ${messageOf(cause).slice(0, 200)}`, {
      field: 'source',
      hint: 'check HF_ENDPOINT',
      cause,
    });
  }
}

/** Attack: an answer without end fills the memory. */
async function readText(answer: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of answer.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > INFO_BYTES_MAXIMUM)
      throw new StarlingError('import-refused', 'the answer of the hub is too long', { field: 'source' });
  }
  return text;
}

function digestOf(tag: string | null): HubFile['digest'] {
  const hex = tag?.replace(/^W\//, '').replaceAll('"', '') ?? '';
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: 'sha256', hex };
  return /^[0-9a-f]{40}$/.test(hex) ? { algorithm: 'git', hex } : undefined;
}

function licenceOf({ cardData, tags }: z.infer<typeof modelInfoSchema>): string | undefined {
  const stated = cardData?.license;
  const first = Array.isArray(stated) ? stated.join(' OR ') : stated;
  // "other" means that its name stands beside it.
  const named = first === 'other' ? (cardData?.license_name ?? first) : first;
  return named ?? tags?.find((tag) => tag.startsWith('license:'))?.slice('license:'.length);
}
