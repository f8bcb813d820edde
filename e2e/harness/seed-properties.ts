/** Properties are tried on the same cases each time, as everything random in tests: another STARLING_TEST_SEED looks for further ones. */
import fc from 'fast-check';
import { testSeed } from './scale.ts';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: testSeed() });
