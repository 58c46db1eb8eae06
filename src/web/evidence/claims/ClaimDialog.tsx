/** A card of a published study, as a form. Saving adds a version; earlier ones stay. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { FormEvent } from 'react';
import type { ClaimCard, ClaimFigure, ClaimForm, Text } from '../../../doors/api/contract.ts';
import { api } from '../../api.ts';
import { keys } from '../../queries.ts';
import { failureText, useText } from '../../text.ts';
import { Dialog, DialogFoot } from '../../ui/Dialog.tsx';
import { Check, SelectField, TextArea, TextField } from '../../ui/fields.tsx';
import type { Card } from './Claims.tsx';

const MEASURES = ['sensitivity', 'specificity', 'auc', 'turnaround-change'] as const;
const ARMS = ['ai', 'reader', 'reader-with-ai', 'workflow'] as const;
const UNITS = ['patient', 'exam', 'image', 'reading'] as const;
const REFERENCES = ['expert-consensus', 'report-or-ct', 'own-readers', 'follow-up', 'unknown'] as const;
const FUNDING = ['maker', 'independent', 'unknown'] as const;
const NO_TEXT: Text = { fr: '', en: '' };
/** As typed: percentages, areas as they are; '' for what is not given. */
interface Line extends Pick<ClaimFigure, 'measure' | 'arm' | 'unit'> {
  value: string;
  low: string;
  high: string;
  k: string;
  n: string;
}
const factor = (measure: ClaimFigure['measure']): number => (measure === 'auc' ? 1 : 100);
const typed = (value: number | null, by: number): string =>
  value === null ? '' : String(Math.round(value * by * 1e6) / 1e6);
const lineOf = (figure: ClaimFigure): Line => {
  const by = factor(figure.measure);
  return {
    ...figure,
    value: typed(figure.value, by),
    low: typed(figure.low, by),
    high: typed(figure.high, by),
    k: typed(figure.k, 1),
    n: typed(figure.n, 1),
  };
};
const read = (text: string, by: number): number | null =>
  text.trim() === '' ? null : Number(text.trim().replace(',', '.')) / by;
const figureOf = ({ measure, arm, unit, ...line }: Line): ClaimFigure => {
  const by = factor(measure);
  return {
    measure,
    arm,
    unit,
    value: read(line.value, by) ?? Number.NaN,
    low: read(line.low, by),
    high: read(line.high, by),
    k: read(line.k, 1),
    n: read(line.n, 1),
  };
};

export function ClaimDialog(props: { card: Card | null; condition: string; onClose: () => void }) {
  const { card, condition, onClose } = props;
  const { t, language } = useText();
  const client = useQueryClient();
  const [form, setForm] = useState<Omit<ClaimForm, 'figures'>>(() => {
    if (card) {
      const { id, version, removed, personName, at, looks, figures, ...rest } = card;
      return rest;
    }
    return {
      condition,
      conditionText: NO_TEXT,
      product: '',
      productVersion: '',
      title: '',
      citation: '',
      doi: '',
      design: NO_TEXT,
      n: null,
      readers: null,
      population: NO_TEXT,
      reference: 'unknown',
      referenceText: NO_TEXT,
      level: '',
      funding: 'unknown',
      fundingText: NO_TEXT,
      secondHand: false,
      note: NO_TEXT,
    };
  });
  const [lines, setLines] = useState<Line[]>(
    card?.figures.map(lineOf) ?? [{ measure: 'sensitivity', arm: 'ai', unit: 'exam', value: '', low: '', high: '', k: '', n: '' }], // prettier-ignore
  );
  const set = (change: Partial<typeof form>) => setForm((present) => ({ ...present, ...change }));
  /** A text that was the same in both languages stays so; else only the one that is read changes. */
  const write = (name: 'conditionText' | 'design' | 'population' | 'referenceText' | 'fundingText' | 'note', text: string) =>
    setForm((present) => {
      const old = present[name];
      return { ...present, [name]: old.fr === old.en ? { fr: text, en: text } : { ...old, [language]: text } };
    }); // prettier-ignore
  const change = (i: number, part: Partial<Line>) =>
    setLines((present) => present.map((line, k) => (k === i ? { ...line, ...part } : line)));
  const figures = lines.map(figureOf);
  const complete =
    form.title.trim() !== '' &&
    figures.length > 0 &&
    figures.every(({ value, low, high, k, n }) => [value, low, high, k, n].every((each) => each === null || Number.isFinite(each))); // prettier-ignore
  const save = useMutation({
    mutationFn: (removed: boolean) =>
      card
        ? api<ClaimCard>(`/claims/${encodeURIComponent(card.id)}`, {
            method: 'PUT',
            quiet: true,
            body: { after: card.version, removed, form: { ...form, figures } },
          })
        : api<ClaimCard>('/claims', { method: 'POST', quiet: true, body: { ...form, figures } }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [...keys.evidence, 'claims'] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (complete) save.mutate(false);
  };
  const count = (name: 'n' | 'readers') => (
    <TextField
      label={t(`claims.field.${name}`)}
      inputMode="numeric"
      value={form[name] ?? ''}
      onChange={({ target }) => set({ [name]: /^\d+$/.test(target.value) ? Number(target.value) : null })}
    />
  );
  return (
    <Dialog opened onClose={onClose} title={card ? t('claims.editTitle') : t('claims.addTitle')} width={760}>
      <form onSubmit={submit} className="stack">
        <p className="small muted">{t('claims.formLead')}</p>
        <TextField
          label={t('claims.field.title')}
          required
          value={form.title}
          onChange={({ target }) => set({ title: target.value })}
        />
        <div className="form-grid">
          <TextField
            label={t('claims.field.citation')}
            value={form.citation}
            onChange={({ target }) => set({ citation: target.value })}
          />
          <TextField
            label="DOI"
            placeholder="10.…/…"
            value={form.doi}
            onChange={({ target }) =>
              set({ doi: target.value.trim().replace(/^https?:\/\/(dx\.)?doi\.org\//, '') })
            }
          />
          <TextField
            label={t('claims.field.product')}
            value={form.product}
            onChange={({ target }) => set({ product: target.value })}
          />
          <TextField
            label={t('claims.field.productVersion')}
            value={form.productVersion}
            onChange={({ target }) => set({ productVersion: target.value })}
          />
          <TextField
            label={t('claims.field.condition')}
            value={form.conditionText[language]}
            onChange={({ target }) => write('conditionText', target.value)}
          />
          <TextField
            label={t('claims.field.design')}
            value={form.design[language]}
            onChange={({ target }) => write('design', target.value)}
          />
          {count('n')}
          {count('readers')}
          <TextField
            label={t('claims.field.population')}
            value={form.population[language]}
            onChange={({ target }) => write('population', target.value)}
          />
          <TextField
            label={t('claims.field.reference')}
            value={form.referenceText[language]}
            onChange={({ target }) => write('referenceText', target.value)}
          />
          <SelectField
            label={t('claims.field.referenceKind')}
            value={form.reference}
            onChange={({ target }) => set({ reference: target.value as ClaimForm['reference'] })}
          >
            {REFERENCES.map((value) => (
              <option key={value} value={value}>
                {t(`claims.reference.${value}`)}
              </option>
            ))}
          </SelectField>
          <SelectField
            label={t('claims.field.funding')}
            value={form.funding}
            onChange={({ target }) => set({ funding: target.value as ClaimForm['funding'] })}
          >
            {FUNDING.map((value) => (
              <option key={value} value={value}>
                {t(`claims.funding.${value}`)}
              </option>
            ))}
          </SelectField>
          <TextField
            label={t('claims.field.level')}
            value={form.level}
            onChange={({ target }) => set({ level: target.value })}
          />
          <TextField
            label={t('claims.field.fundingText')}
            value={form.fundingText[language]}
            onChange={({ target }) => write('fundingText', target.value)}
          />
        </div>
        <Check
          label={t('claims.secondHand')}
          checked={form.secondHand}
          onChange={({ target }) => set({ secondHand: target.checked })}
        />
        <fieldset className="claim-lines">
          <legend>{t('claims.figures')}</legend>
          {lines.map((line, i) => (
            <div key={i} className="claim-line">
              {(
                [
                  ['measure', MEASURES],
                  ['arm', ARMS],
                  ['unit', UNITS],
                ] as const
              ).map(([name, values]) => (
                <SelectField
                  key={name}
                  label={t(`claims.line.${name}`)}
                  value={line[name]}
                  onChange={({ target }) => change(i, { [name]: target.value })}
                >
                  {values.map((value) => (
                    <option key={value} value={value}>
                      {t(`claims.${name}.${value}`)}
                    </option>
                  ))}
                </SelectField>
              ))}
              {(['value', 'low', 'high', 'k', 'n'] as const).map((name) => (
                <TextField
                  key={name}
                  label={t(`claims.line.${name}`)}
                  inputMode="decimal"
                  required={name === 'value'}
                  value={line[name]}
                  onChange={({ target }) => change(i, { [name]: target.value })}
                />
              ))}
              <button
                type="button"
                className="btn icon ghost"
                aria-label={t('claims.removeLine', { number: i + 1 })}
                disabled={lines.length === 1}
                onClick={() => setLines(lines.filter((_, k) => k !== i))}
              >
                <Trash2 size={16} aria-hidden />
              </button>
            </div>
          ))}
          <button
            type="button"
            className="btn ghost"
            onClick={() =>
              setLines([...lines, { ...lines.at(-1)!, value: '', low: '', high: '', k: '', n: '' }])
            }
          >
            <Plus size={16} aria-hidden /> {t('claims.addLine')}
          </button>
        </fieldset>
        <TextArea
          label={t('claims.field.note')}
          value={form.note[language]}
          onChange={({ target }) => write('note', target.value)}
        />
        {save.isError && (
          <p className="form-error" role="alert">
            {failureText(t, save.error)}
          </p>
        )}
        <DialogFoot>
          {card && (
            <button
              type="button"
              className="btn danger"
              disabled={save.isPending}
              onClick={() => save.mutate(true)}
            >
              {t('claims.remove')}
            </button>
          )}
          <button type="button" className="btn" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <button type="submit" className="btn primary" disabled={!complete || save.isPending}>
            {t('claims.save')}
          </button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
