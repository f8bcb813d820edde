import {
  type ApiClient,
  type ApiToken,
  type ArtefactDetail,
  api,
  type BuildJob,
  type ClaimTokenView,
  type DeviceView,
  deviceIdSchema,
  digestSchema,
  type ModelView,
  type PipelineView,
  randomIdSchema,
  StarlingError,
} from '@starling/shared';
import { cliError } from './errors.ts';
import { fetchAll, type Page } from './paging.ts';

/** People name things by name, name@version, or the first characters of an id; the API by whole ids. */

/** @param reference id, name, or the start of an id @throws StarlingError `not-found`, `ambiguous-name` */
export async function findDevice(client: ApiClient, reference: string): Promise<DeviceView> {
  if (deviceIdSchema.safeParse(reference).success) return client.call(api.showDevice, { params: { id: reference } });
  const { items } = await fetchAll<DeviceView>((query) => client.call(api.listDevices, { query: { ...query, search: reference } }));
  const named = items.filter(({ name }) => name === reference);
  const candidates = named.length > 0 ? named : items.filter(({ id }) => reference.length >= 4 && id.startsWith(reference));
  return only(candidates, { kind: 'device', reference, list: 'starling device ls', label: ({ id, name }) => `${id} (${name})` });
}

/** @param reference digest, or its first characters */
export async function findArtefact(client: ApiClient, reference: string): Promise<ArtefactDetail> {
  const show = (digest: string): Promise<ArtefactDetail> => client.call(api.showArtefact, { params: { digest } });
  if (digestSchema.safeParse(reference).success) return show(reference);
  const byStart = /^[0-9a-f]{6,63}$/.test(reference)
    ? (await fetchAll((query) => client.call(api.listArtefacts, { query }))).items.filter(({ digest }) => digest.startsWith(reference))
    : [];
  const label = (each: (typeof byStart)[number]): string => `${each.model.name}@${each.model.version}`;
  return show(only(byStart, { kind: 'artefact', reference, list: 'starling artefact ls', label }).digest);
}

/** @param reference id, or its first characters */
export async function findBuild(client: ApiClient, reference: string): Promise<BuildJob> {
  if (randomIdSchema.safeParse(reference).success) return client.call(api.showBuild, { params: { id: reference } });
  const byStart = /^[a-z2-7]{4,25}$/.test(reference)
    ? (await fetchAll<BuildJob>((query) => client.call(api.listBuilds, { query }))).items.filter(({ id }) => id.startsWith(reference))
    : [];
  const label = (job: BuildJob): string => `${job.id.slice(0, 12)} (${job.model}@${job.version} ${job.label})`;
  return only(byStart, { kind: 'build', reference, list: 'starling build ls', label });
}

/** @param reference id, or the name of one that still lets devices in @throws StarlingError `not-found`, `ambiguous-name` */
export async function findClaimToken(client: ApiClient, reference: string, nowMs: number): Promise<ClaimTokenView> {
  const { items } = await fetchAll<ClaimTokenView>((query) => client.call(api.listClaimTokens, { query }));
  const isOpen = ({ revokedAtMs, expiresAtMs, usesLeft }: ClaimTokenView): boolean =>
    revokedAtMs === null && expiresAtMs > nowMs && usesLeft > 0;
  const candidates = items.filter(({ id }) => id === reference);
  if (candidates.length === 0) candidates.push(...items.filter((token) => token.name === reference && isOpen(token)));
  return only(candidates, {
    kind: 'claim token',
    reference,
    list: 'starling token ls',
    label: ({ id, name }) => `${id} (${name})`,
  });
}

/** @param reference id, or the name of one that still opens something @throws StarlingError `not-found`, `ambiguous-name` */
export async function findApiToken(client: ApiClient, reference: string, nowMs: number): Promise<ApiToken> {
  const { items } = await fetchAll<ApiToken>((query) => client.call(api.listApiTokens, { query }));
  const isLive = ({ revokedAtMs, expiresAtMs }: ApiToken): boolean => revokedAtMs === null && (expiresAtMs === null || expiresAtMs > nowMs);
  const live = items.filter(isLive);
  const byId = live.filter(({ id }) => id === reference);
  return only(byId.length > 0 ? byId : live.filter(({ name }) => name === reference), {
    kind: 'live API token',
    reference,
    list: 'starling api-token ls',
    label: ({ id, name }) => `${id} (${name})`,
  });
}

interface Versioned {
  digest: string;
  name: string;
  version: string;
  createdAtMs: number;
}

/** @param reference digest, its first characters, name@version, or a name for its newest version */
export function findModel(client: ApiClient, reference: string): Promise<ModelView> {
  return findVersion(reference, 'model', {
    byDigest: (digest) => client.call(api.showModel, { params: { digest } }),
    list: (search) => fetchAll((query) => client.call(api.listModels, { query: { ...query, ...search } })),
  });
}

export function findPipeline(client: ApiClient, reference: string): Promise<PipelineView> {
  return findVersion(reference, 'pipeline', {
    byDigest: (digest) => client.call(api.showPipeline, { params: { digest } }),
    list: (search) => fetchAll((query) => client.call(api.listPipelines, { query: { ...query, ...search } })),
  });
}

async function findVersion<View extends Versioned>(
  reference: string,
  kind: 'model' | 'pipeline',
  ask: { byDigest(digest: string): Promise<View>; list(search: { search?: string }): Promise<Page<View>> },
): Promise<View> {
  if (digestSchema.safeParse(reference).success) return ask.byDigest(reference);
  const [name = '', version] = reference.split('@');
  const named = (await ask.list({ search: name })).items.filter(
    (each) => each.name === name && (version === undefined || each.version === version),
  );
  const [newest] = named.toSorted((left, right) => right.createdAtMs - left.createdAtMs);
  if (newest !== undefined) return newest;
  const byStart = /^[0-9a-f]{6,63}$/.test(reference) ? (await ask.list({})).items.filter(({ digest }) => digest.startsWith(reference)) : [];
  return only(byStart, { kind, reference, list: `starling ${kind} ls`, label: (each) => `${each.name}@${each.version}` });
}

function only<View>(
  candidates: readonly View[],
  { kind, reference, list, label }: { kind: string; reference: string; list: string; label(view: View): string },
): View {
  const [first, second] = candidates;
  if (first === undefined) {
    throw new StarlingError('not-found', `there is no ${kind} "${reference}"`, { field: kind, hint: `see "${list}"` });
  }
  if (second !== undefined) {
    throw cliError('ambiguous-name', `"${reference}" is ${candidates.length} ${kind}s: ${candidates.slice(0, 5).map(label).join(', ')}`, {
      field: kind,
      hint: 'give the whole id',
    });
  }
  return first;
}
