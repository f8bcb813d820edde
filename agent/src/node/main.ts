#!/usr/bin/env node
import { isStarlingError, messageOf } from '@starling/shared';
import { createProgram } from './cli/program.ts';

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    console.error(`starling-agent: ${messageOf(error)}`);
    if (isStarlingError(error)) {
      if (error.field !== undefined) console.error(`  field: ${error.field}`);
      if (error.hint !== undefined) console.error(`  hint: ${error.hint}`);
    }
    process.exit(1);
  });
