import manifest from '../package.json' with { type: 'json' };

export const FLEET_VERSION: string = manifest.version;
