/** Repeatable choices -> a panel of one kind. */
import type { Panel } from '../panel.ts';
import type { Random } from '../random.ts';
import type { SceneKind } from '../scene.ts';
import { containerMarkings } from './container.ts';
import { goodsLabel } from './label.ts';
import { numberPlate } from './plate.ts';
import { shopSign } from './shop-sign.ts';
import { streetSign } from './street-sign.ts';
import { warningPlate } from './warning.ts';

export const panelsOf: Readonly<Record<SceneKind, (random: Random) => Panel>> = {
  'street-sign': streetSign,
  'shop-sign': shopSign,
  label: goodsLabel,
  plate: numberPlate,
  container: containerMarkings,
  warning: warningPlate,
};
