import {
  type ParameterValue,
  type ParameterValues,
  type Pipeline,
  parametersFor,
  type RunningParameter,
  TOLD_PARAMETER_CHARACTERS,
  TOLD_PARAMETERS_MAXIMUM,
} from '@starling/shared';
import type { ReleaseDocuments } from './reconcile/index.ts';

/** What the owner of a device has set of the parameters of a pipeline. */
export type OwnParameters = (pipeline: Pick<Pipeline, 'parameters'>) => ParameterValues;

type Documents = Pick<ReleaseDocuments, 'release' | 'pipeline' | 'alongside'>;

/** The values that the pipelines of a release run with here, for whoever looks after the device. */
export function toldParameters({ release, pipeline, alongside }: Documents, own: OwnParameters = () => ({})): RunningParameter[] {
  const told = [pipeline, ...alongside].flatMap((each) => {
    const [byDevice, byRelease] = [own(each), parametersFor(release, each.name)];
    return Object.entries(each.parameters).map(([name, parameter]): RunningParameter => {
      const named = { pipeline: each.name, name };
      if (Object.hasOwn(byDevice, name)) return { ...named, value: shown(byDevice[name]), by: 'device' };
      if (Object.hasOwn(byRelease, name)) return { ...named, value: shown(byRelease[name]), by: 'release' };
      return { ...named, value: shown(parameter.default), by: 'default' };
    });
  });
  return told.slice(0, TOLD_PARAMETERS_MAXIMUM);
}

/** Attack: a login that somebody wrote into the address of a camera would stand in the database of the fleet, and on screens. */
const loginInAddress = /([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/gi;

function shown(value: ParameterValue | undefined): ParameterValue {
  if (typeof value !== 'string') return value ?? '';
  return value.replaceAll(loginInAddress, '$1').slice(0, TOLD_PARAMETER_CHARACTERS);
}
