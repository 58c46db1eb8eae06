/** `negatoscope models new`: asks, and writes the folder of a model package. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline/promises';
import {
  type Answers,
  answersSchema,
  cardOf,
  kindOf,
  labelsOf,
  manifestOf,
  type NetworkShape,
  OUTPUT_KINDS,
  type OutputKind,
  shapeOf,
} from '../assist/packages/generate.ts';
import { sha256OfFile } from '../assist/packages/signature.ts';
import { loadPackage } from '../assist/package.ts';
import { recordGolden } from '../assist/record.ts';
import { NegatoscopeError } from '../errors.ts';
import { EXIT } from './io.ts';

export interface NewOptions {
  readonly folder: string;
  readonly weights: string;
  /** File of answers in JSON instead of questions. */
  readonly answers?: string;
}

/** Resolves with the exit code. Throws NegatoscopeError: `model-folder`, `model-weights`, `model-answers`, `model-shape`, `model-manifest`. */
export async function newPackage(options: NewOptions): Promise<number> {
  const folder = resolve(options.folder);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new NegatoscopeError('model-folder', `${folder} is not empty.`);
  if (!existsSync(options.weights))
    throw new NegatoscopeError('model-weights', `There is no file ${options.weights}.`);
  const shape = await shapeOf(options.weights);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  for (const [what, tensors] of [
    ['takes', shape.inputs],
    ['gives', shape.outputs],
  ] as const)
    // prettier-ignore
    for (const { name, type, shape: sizes } of tensors)
      say(`The network ${what} ${name}: ${type} [${sizes.join(', ')}]`);
  const answers = options.answers === undefined ? await ask(shape) : given(options.answers);
  const file = basename(options.weights).replace(/[^A-Za-z0-9._-]/g, '-');
  const manifest = manifestOf(answers, shape, { file, sha256: await sha256OfFile(options.weights) });

  mkdirSync(folder, { recursive: true });
  copyFileSync(options.weights, join(folder, file));
  writeFileSync(join(folder, 'model.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(folder, 'CARD.md'), cardOf(manifest));
  say('The golden cases are being recorded…');
  await recordGolden(await loadPackage(folder));
  say(`${folder} is a model package. What is left to you:`);
  say('- check the preparation of the image against your own code on real images (docs/models.md, Input);');
  say('- write CARD.md; name the hashes of your training images; give labels their codes;');
  say(`- measure it: ./negatoscope validate ${folder} --images FOLDER --labels labels.csv --out FOLDER`);
  say(`- take it in: ./negatoscope models add ${folder}`);
  return EXIT.ok;
}

function given(file: string): Answers {
  const result = answersSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new NegatoscopeError(
    'model-answers',
    `${file}: ${issue?.path.join('.') || '(root)'}: ${issue?.message}`,
  );
}

const slug = (words: string): string =>
  words
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

async function ask(shape: NetworkShape): Promise<Answers> {
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await asking(reader, shape);
  } finally {
    reader.close();
  }
}

async function asking(reader: Interface, shape: NetworkShape): Promise<Answers> {
  // Lines that come by a pipe, before they are asked for.
  const lines = reader[Symbol.asyncIterator]();
  /** Until the answer is one that `read` takes; an empty one is the default. */
  async function question<T>(
    words: string,
    standard: string,
    read: (answer: string) => T | undefined,
  ): Promise<T> {
    for (;;) {
      process.stdout.write(standard === '' ? `${words}: ` : `${words} [${standard}]: `);
      const { value, done } = await lines.next();
      if (done) throw new NegatoscopeError('model-answers', `The answers end at: ${words}`);
      const answer = read(String(value).trim() || standard);
      if (answer !== undefined) return answer;
      process.stdout.write('That does not fit.\n');
    }
  }
  const some = (answer: string): string | undefined => answer || undefined;
  const words = (what: string, standard = '') => question(what, standard, some);
  const both = async (what: string): Promise<{ en: string; fr: string }> => {
    const en = await words(`${what}, in English`);
    return { en, fr: await words(`${what}, in French`) };
  };
  const list = (what: string, standard: string) =>
    question(what, standard, (answer) => {
      const all = answer.split(',').map((part) => part.trim().toUpperCase()).filter(Boolean); // prettier-ignore
      return all.length > 0 ? all : undefined;
    });
  const number = (what: string, standard: string, min: number, max: number) =>
    question(what, standard, (answer) => {
      const value = Number(answer);
      return answer !== '' && value >= min && value <= max ? value : undefined;
    });
  const oneOf = <T extends string>(what: string, standard: string, choices: readonly T[]) =>
    question(`${what} (${choices.join(', ')})`, standard, (answer) =>
      choices.find((each) => each === answer),
    );

  const name = await both('Name of the tool');
  const id = await question('Its key, the same for all versions', slug(name.en), (answer) =>
    /^[a-z0-9][a-z0-9-]{0,63}$/.test(answer) ? answer : undefined,
  );
  const summary = await both('What it does, in a sentence');
  const maker = await words('Who made it');
  const licence = await words('Licence of the weights');
  const modalities = await list('Modalities', 'CR, DX');
  const bodyParts = await list('Body parts (terms of PS3.16 Annex L)', 'HAND');
  const minAge = await question('Youngest patient in years, or none', '18', (answer) =>
    answer === 'none' ? { age: null } : /^\d+$/.test(answer) ? { age: Number(answer) } : undefined,
  );
  const use = await both('Intended use, and what it is not for');
  const first = shape.outputs[0]?.name ?? '';
  const output = await oneOf('Which output', first, shape.outputs.map((each) => each.name)); // prettier-ignore
  const tensor = shape.outputs.find((each) => each.name === output)!;
  const kind = await oneOf<OutputKind>('What it is', kindOf(tensor) ?? '', OUTPUT_KINDS);
  const known = labelsOf(tensor, kind);
  const many = Number.isNaN(known) ? await number('How many labels it has', '', 1, 1024) : known;
  const labels: Answers['labels'] = [];
  for (let i = 0; i < many; i += 1) {
    const label = await both(many === 1 ? 'What is found' : `Label ${i + 1} of ${many}`);
    const key = await question('Its key', slug(label.en), (answer) =>
      /^[a-z0-9][a-z0-9-]{0,63}$/.test(answer) && !labels.some((each) => each.key === answer)
        ? answer
        : undefined,
    );
    labels.push({ key, text: label });
  }
  const threshold = await number('Threshold, 0 to 1', '0.5', 0, 1);
  const intensity = await oneOf('Grey values from', 'percentile', ['percentile', 'voi', 'min-max']);
  const mean = await number('Mean that is taken away from grey 0…1', '0', -1e6, 1e6);
  const std = await number('Standard deviation that it is divided by', '1', 1e-9, 1e9);
  return { id, name, summary, maker, licence, modalities, bodyParts, minAge: minAge.age, use, output, kind, labels, threshold, intensity, mean, std }; // prettier-ignore
}
