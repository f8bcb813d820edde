/** An item and the shares of arms -> who answers it, who gets a copy; two answers -> whether they agree; what a copy may cost. */
export { agree } from './agree.ts';
export { type ArmGuard, createArmGuard } from './arm-guard.ts';
export { type ArmChooser, type ChosenArm, createArmChooser } from './choose-arm.ts';
export { createShadowBudget, type ShadowBudget } from './shadow-budget.ts';
