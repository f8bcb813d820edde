import { createContext, useContext } from 'react';

/** What fields of parameters may name, and what is wrong with them. */
export interface ParamSurroundings {
  /** Parameters of the pipeline, for which a field may stand. */
  parameters: readonly string[];
  /** Models of the graph with the names of the files that belong to them. */
  assets: readonly { model: string; asset: string }[];
  /** What is wrong, by the path of the field in `params`, e.g. `fit.width`. */
  problems: ReadonlyMap<string, string>;
}

export const ParamContext = createContext<ParamSurroundings>({ parameters: [], assets: [], problems: new Map() });

export type ParamPath = readonly (string | number)[];

/** What is wrong with a field; with what stands in it too, where it has no fields for that. */
export function useProblem(path: ParamPath, isWhole: boolean): string | undefined {
  const { problems } = useContext(ParamContext);
  const field = path.join('.');
  const own = problems.get(field);
  if (own !== undefined || !isWhole) return own;
  for (const [place, message] of problems) if (place.startsWith(`${field}.`)) return message;
  return undefined;
}
