import { z } from 'zod';

/** The page's content policy forbids building code from text, which zod would otherwise try. Imported before any schema is made. */
z.config({ jitless: true });
