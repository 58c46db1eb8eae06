/** The report as the reader writes it. Accepted findings enter by the server's hand; everything else is the reader's. */
import { Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ChevronDown } from 'lucide-react';
import { useEffect, useRef } from 'react';
import type { ModelView, ReportFields, StudyView, Template } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { useText } from '../text.ts';
import { Check, Segmented } from '../ui/fields.tsx';
import { answerLabels } from './Findings.tsx';
import type { ReadingState } from './useReading.ts';

/** A text area that is as tall as its text. */
function Area(props: {
  name: string;
  label: string;
  value: string;
  onChange: (text: string) => void;
  placeholder?: string;
  rows?: number;
  readOnly?: boolean;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const field = area.current!;
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight + 2}px`;
  }, [props.value]);
  const id = `report-${props.name}`;
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <textarea
        id={id}
        ref={area}
        className="input"
        rows={props.rows ?? 1}
        value={props.value}
        placeholder={props.placeholder}
        readOnly={props.readOnly}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </div>
  );
}

export const TEXTS = ['indication', 'justification', 'technique', 'findings', 'conclusion'] as const;

export function ReportForm(props: {
  view: StudyView;
  models: readonly ModelView[];
  draft: ReadingState['draft'];
  editable: boolean;
  templatesOpen: boolean;
  onTemplates: (open: boolean) => void;
}) {
  const { t, language, say } = useText();
  const { view, draft, editable } = props;
  const { fields } = draft;
  const templates = useQuery({
    queryKey: ['templates', fields?.language ?? language],
    queryFn: () => api<Template[]>(`/templates?language=${fields?.language ?? language}`),
    enabled: editable,
    staleTime: Infinity,
  });
  if (!fields) return null;
  const set = (next: Partial<ReportFields>) => draft.change(next);
  const apply = (template: Template) => {
    // A template fills what is empty and follows what is written; it never overwrites the reader.
    const next: Partial<ReportFields> = {};
    for (const name of TEXTS) {
      const text = template.fields[name];
      if (!text || fields[name].includes(text)) continue;
      next[name] = fields[name].trim() ? `${fields[name].trimEnd()}\n${text}` : text;
    }
    set(next);
  };
  const own = (template: Template) => template.bodyParts.some((part) => view.study.bodyParts.includes(part));
  const list = [...(templates.data ?? [])].sort((a, b) => Number(own(b)) - Number(own(a)));
  const asked = view.ai.filter(({ status, hidden }) => {
    const model = props.models.find(({ manifest }) => manifest.id === status.modelId);
    return model?.manifest.question && status.state !== 'not-run' && hidden !== 'opinion-first';
  });
  return (
    <section className="sec report" aria-label={t('report.title')}>
      <h2>
        {t('report.title')}
        {editable && (
          <span className="saved" aria-live="polite">
            {draft.status === 'saved' && draft.savedAt === null ? '' : t(`report.${draft.status}`)}
          </span>
        )}
      </h2>
      {editable && (
        <div className="rowline">
          <Menu opened={props.templatesOpen} onChange={props.onTemplates} position="bottom-start" width={300}>
            <Menu.Target>
              <button type="button" className="btn">
                {t('report.template')} <ChevronDown size={14} aria-hidden />
              </button>
            </Menu.Target>
            <Menu.Dropdown className="templates" style={{ maxHeight: '45vh', overflowY: 'auto' }}>
              {list.map((template) => (
                <Menu.Item key={template.id} onClick={() => apply(template)}>
                  {template.title}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <span className="grow" />
          <Segmented
            label={t('report.language')}
            value={fields.language}
            onChange={(next) => set({ language: next })}
            options={[
              { value: 'fr', label: 'FR' },
              { value: 'en', label: 'EN' },
            ]}
          />
        </div>
      )}
      {TEXTS.map((name) => (
        <Area
          key={name}
          name={name}
          label={t(`report.${name}`)}
          value={fields[name]}
          rows={name === 'findings' ? 4 : name === 'conclusion' ? 2 : 1}
          readOnly={!editable}
          placeholder={name === 'findings' ? t('report.findingsHint') : undefined}
          onChange={(text) => set({ [name]: text })}
        />
      ))}
      {asked.map(({ status }) => {
        const model = props.models.find(({ manifest }) => manifest.id === status.modelId)!;
        const { question } = model.manifest;
        return (
          <div className="field" key={status.modelId}>
            <span className="label">{t('report.question', { question: say(question!.text) })}</span>
            <Segmented
              label={say(question!.text)}
              value={fields.answers[question!.id] ?? fields.answers[status.modelId] ?? null}
              onChange={(answer) => set({ answers: { ...fields.answers, [status.modelId]: answer } })}
              options={answerLabels(model, language, (answer) => t(`answer.${answer}`))}
            />
          </div>
        );
      })}
      {fields.dose && (
        <div className="field">
          <span className="label">{t('report.dose')}</span>
          <p className="num">{fields.dose}</p>
        </div>
      )}
      {view.ai.some(({ status }) => status.state === 'analysed') && (
        <Check
          label={t('report.informed')}
          checked={fields.patientInformedOfAi}
          disabled={!editable}
          onChange={(event) => set({ patientInformedOfAi: event.target.checked })}
        />
      )}
    </section>
  );
}
