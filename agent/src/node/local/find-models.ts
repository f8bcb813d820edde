import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { nearestName, type Pipeline, StarlingError } from '@starling/shared';

/** Files of one model on this machine. */
export interface ModelFiles {
  file: string;
  /** Asset name -> file. */
  assets: Readonly<Record<string, string>>;
}

/** Names of the models of a pipeline, those of pipelines inside it too. */
export function modelsOf({ nodes, pipelines }: Pick<Pipeline, 'nodes' | 'pipelines'>): string[] {
  const all = [nodes, ...Object.values(pipelines).map((inner) => inner.nodes)];
  const names = all.flatMap((each) => Object.values(each)).flatMap((node) => ('model' in node ? [node.model] : []));
  return [...new Set(names)].sort();
}

/**
 * Finds each model: where `--model` says, else in the folder of models, as NAME.onnx or as the only ONNX file of the folder NAME. What lies
 * beside a model in its own folder, or is named NAME.ASSET.ENDING, are its assets, such as a dictionary.
 * @param given `name=path` of a model, or `name/asset=path` of an asset
 * @throws StarlingError `unknown-model` that names every place where it was looked for
 */
export async function findModels(
  names: readonly string[],
  folder: string,
  given: Readonly<Record<string, string>>,
): Promise<Record<string, ModelFiles>> {
  const found: Record<string, ModelFiles> = {};
  for (const name of names) {
    const file = given[name] ?? (await modelIn(folder, name));
    if (file === undefined || !(await isFile(file))) {
      const looked =
        given[name] === undefined ? `${join(folder, `${name}.onnx`)} nor an ONNX file in ${join(folder, name)}` : `file ${file}`;
      throw new StarlingError('unknown-model', `there is no model "${name}": neither ${looked}`.replace('neither file', 'no file'), {
        field: 'model',
        hint: `${misspelt(name, names, given)}give it with --model ${name}=PATH, or its folder with --models DIR`,
      });
    }
    const own = Object.entries(given).flatMap(([key, path]) => (key.startsWith(`${name}/`) ? [[key.slice(name.length + 1), path]] : []));
    found[name] = { file, assets: { ...(await assetsBeside(file, name)), ...Object.fromEntries(own) } };
  }
  return found;
}

/** A model that is given under a name that no node has is most often the one that is missed. */
function misspelt(name: string, names: readonly string[], given: Readonly<Record<string, string>>): string {
  const others = Object.keys(given).filter((key) => !names.includes(key.split('/')[0] ?? key));
  const near = nearestName(name, others);
  return near === undefined ? '' : `no node runs "${near}", which --model gives; `;
}

async function modelIn(folder: string, name: string): Promise<string | undefined> {
  const plain = join(folder, `${name}.onnx`);
  if (await isFile(plain)) return plain;
  const files = (await readdir(join(folder, name)).catch(() => [])).filter((file) => extname(file) === '.onnx');
  return files.length === 1 && files[0] !== undefined ? join(folder, name, files[0]) : undefined;
}

async function assetsBeside(file: string, name: string): Promise<Record<string, string>> {
  const folder = dirname(file);
  const hasFolder = basename(folder) === name;
  const files = await readdir(folder).catch(() => []);
  const assets = files.flatMap((each): [string, string][] => {
    if (each === basename(file)) return [];
    if (each.startsWith(`${name}.`)) return [[each.slice(name.length + 1).split('.')[0] ?? '', join(folder, each)]];
    return hasFolder ? [[each.split('.')[0] ?? '', join(folder, each)]] : [];
  });
  return Object.fromEntries(assets.filter(([asset]) => asset !== ''));
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
