import type { Finding, Rule } from '../rule.ts';
import type { SourceFile } from '../source-file.ts';

/** Word -> why it may not stand in the product. This file and its test have to spell them. */
const BANNED: [RegExp, string][] = [
  [/(?<![\w.-])\/work\//i, 'a path of one machine means nothing on another'],
  [/\bissue #\d*/i, 'say the reason itself; a number means nothing to a reader without the tracker'],
  [/\bhelpers?\b/i, 'says nothing: name what it does'],
  [/\b(TODO|FIXME|XXX)\b/, 'do it now or write it down where work is planned'],
];

/** The text of the product speaks to its readers, not about how it was made. */
export const productWords: Rule = {
  name: 'product-words',
  find: (files) => files.filter((file) => !file.path.startsWith('e2e/tidy/')).flatMap(bannedWords),
};

function bannedWords(file: SourceFile): Finding[] {
  return file.text.split('\n').flatMap((text, index) =>
    BANNED.flatMap(([pattern, reason]): Finding[] => {
      const word = pattern.exec(text)?.[0];
      return word === undefined ? [] : [{ path: file.path, line: index + 1, message: `"${word}": ${reason}` }];
    }),
  );
}
