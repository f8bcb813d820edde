import type { PowerModel } from '@starling/shared';

/**
 * The power model of a machine with more or fewer cores: every wattage in proportion. Cloud Carbon Footprint estimates virtual machines
 * in the same way, from watts per virtual core at idle and at full load (https://www.cloudcarbonfootprint.org/docs/methodology,
 * "Compute"). How power follows utilisation between the two is said at `wattsAt` in shared.
 * @param factor cores of the device by cores that the model describes
 */
export function scalePower(model: PowerModel, factor: number): PowerModel {
  const { idleWatts, maximumWatts, tdpWatts, curve, source } = model;
  return {
    idleWatts: idleWatts * factor,
    maximumWatts: maximumWatts * factor,
    ...(tdpWatts === undefined ? {} : { tdpWatts: tdpWatts * factor }),
    ...(curve === undefined ? {} : { curve: curve.map(([utilisation, watts]): [number, number] => [utilisation, watts * factor]) }),
    source,
  };
}
