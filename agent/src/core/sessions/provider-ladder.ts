import { StarlingError } from '@starling/shared';

/**
 * The execution providers to try, best first: those that the artefact was built for, in its order, and that the engine has.
 * A release may demand providers; then nothing else is tried, so that it fails loudly instead of running slowly.
 * @throws StarlingError `provider-refused` if none is left
 */
export function providerLadder(
  artefactProviders: readonly string[],
  engineProviders: readonly string[],
  requiredProviders: readonly string[] | undefined,
): string[] {
  const ladder = artefactProviders.filter(
    (provider) => engineProviders.includes(provider) && (requiredProviders === undefined || requiredProviders.includes(provider)),
  );
  if (ladder.length === 0) {
    const wanted = requiredProviders === undefined ? artefactProviders : requiredProviders;
    throw new StarlingError(
      'provider-refused',
      `none of ${wanted.join(', ')} is offered here (this engine has ${engineProviders.join(', ')})`,
      {
        field: 'requiredProviders',
        hint: 'build an artefact for one of the providers of this device, or relax requiredProviders',
      },
    );
  }
  return ladder;
}
