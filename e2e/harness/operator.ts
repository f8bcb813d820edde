import { readFile } from 'node:fs/promises';
import {
  type ApiClient,
  api,
  type BuildMethod,
  createApiClient,
  type ModelAsset,
  type ModelCard,
  type ModelDatasets,
  type ModelView,
  type ParameterValues,
  type PipelineInput,
  type PipelineView,
  type Policies,
  type PrivateKey,
  publicKeyOf,
  type ReleaseView,
  StarlingError,
  signDocument,
  signerOf,
  signRoot,
} from '@starling/shared';

export interface Login {
  email: string;
  password: string;
}

/** The keys that stay with people: the fleet never sees their private halves. */
export interface OperatorKeys {
  root: PrivateKey;
  publisher: PrivateKey;
}

export interface ModelFiles {
  name: string;
  version: string;
  /** Path of the ONNX file. */
  file: string;
  /** Path of its weights, where they are apart. */
  weights?: string;
  card: ModelCard;
  /** Name -> path of a file that the model needs beside its graph. */
  assets?: Readonly<Record<string, string>>;
  /** Paths of zip archives of samples. */
  datasets?: { calibration?: string; evaluation?: string };
}

export interface WaitOptions {
  onProgress?: (step: string, progressPercent: number) => void;
  /** Only these builds; all if not given. */
  methods?: readonly BuildMethod[];
}

/** What a person does before a fleet can run something: publish a root, models, a pipeline, a release. */
export interface Operator {
  client: ApiClient;
  hasRoot(): Promise<boolean>;
  publishRoot(options: { nowMs: number; lifeMs: number; demo: boolean }): Promise<void>;
  pushModel(files: ModelFiles): Promise<ModelView>;
  /** Waits until every build of a model version is over. @throws StarlingError `build-failed` */
  waitForBuilds(model: string, options?: WaitOptions): Promise<ModelView>;
  pushPipeline(document: PipelineInput): Promise<PipelineView>;
  createRelease(release: {
    name: string;
    pipeline: string;
    alongside?: string[];
    policies?: Policies;
    parameters?: ParameterValues;
  }): Promise<ReleaseView>;
}

/** Signs in with e-mail and password, makes an API token and answers with its secret. */
export async function makeApiToken(baseUrl: string, login: Login, name: string): Promise<string> {
  const response = await fetch(`${baseUrl}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: baseUrl },
    body: JSON.stringify(login),
  });
  if (!response.ok) throw new StarlingError('sign-in-failed', `${login.email} could not sign in: ${response.status}`);
  const cookie = response.headers
    .getSetCookie()
    .map((each) => each.split(';')[0])
    .join('; ');
  const browser = createApiClient({
    baseUrl,
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, cookie, origin: baseUrl } } as RequestInit),
  });
  return (await browser.call(api.createApiToken, { body: { name, role: 'admin' } })).secret;
}

export function createOperator(options: { baseUrl: string; token: string; keys: OperatorKeys }): Operator {
  const { baseUrl, token, keys } = options;
  const client = createApiClient({ baseUrl, token, fetch: (url, init) => fetch(url, init as RequestInit) });
  const sign = async (kind: 'model-version' | 'pipeline' | 'release', document: unknown): Promise<string> =>
    signDocument(await signerOf(keys.publisher), kind, document);
  const upload = async (file: string, kind: 'model' | 'weights' | 'file') =>
    client.call(api.upload, { raw: await readFile(file), query: { kind } });
  return {
    client,
    hasRoot: async () => (await client.call(api.listRoots, { query: { from: 1 } })).roots.length > 0,
    async publishRoot({ nowMs, lifeMs, demo }) {
      const { fleetId, key } = await client.call(api.fleetKey, {});
      const signed = await signRoot([keys.root], {
        ...{ kind: 'root', schemaVersion: 1, critical: [], fleetId, version: 1, demo },
        ...{ issuedAtMs: nowMs, expiresAtMs: nowMs + lifeMs },
        keys: { root: [publicKeyOf(keys.root)], publisher: [publicKeyOf(keys.publisher)], fleet: [key] },
      });
      await client.call(api.publishRoot, { body: { signed } });
    },
    async pushModel({ name, version, file, weights, card, assets = {}, datasets = {} }) {
      const { manifest } = await upload(file, 'model');
      const apart = weights === undefined ? {} : { weights: (await upload(weights, 'weights')).manifest };
      const uploaded: ModelAsset[] = [];
      for (const [asset, path] of Object.entries(assets)) uploaded.push({ name: asset, ...(await upload(path, 'file')) });
      const sets: ModelDatasets = {};
      for (const set of ['calibration', 'evaluation'] as const) {
        const path = datasets[set];
        if (path !== undefined) sets[set] = { name: set, ...(await upload(path, 'file')) };
      }
      const named = Object.keys(sets).length === 0 ? {} : { datasets: sets };
      const { document } = await client.call(api.draftModel, {
        body: { name, version, upload: manifest, card, assets: uploaded, ...apart, ...named },
      });
      return client.call(api.createModel, { body: { signed: await sign('model-version', document) } });
    },
    async waitForBuilds(model, { onProgress, methods } = {}) {
      for (;;) {
        const view = await client.call(api.showModel, { params: { digest: model } });
        const builds = view.builds.filter(({ recipe }) => methods?.includes(recipe.method) ?? true);
        const failed = builds.find(({ state }) => state === 'failed' || state === 'cancelled');
        if (failed !== undefined) throw new StarlingError('build-failed', `${view.name}: ${failed.error?.message ?? failed.state}`);
        if (builds.every(({ state }) => state === 'done')) return view;
        const [current] = builds.filter(({ state }) => state !== 'done');
        if (current !== undefined) onProgress?.(current.step, current.progressPercent);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    },
    async pushPipeline(document) {
      const { fleetId } = await client.call(api.fleetKey, {});
      return client.call(api.createPipeline, { body: { signed: await sign('pipeline', { ...document, fleetId }) } });
    },
    async createRelease(release) {
      const { document } = await client.call(api.draftRelease, { body: { ...release, models: {} } });
      return client.call(api.createRelease, { body: { signed: await sign('release', document) } });
    },
  };
}
