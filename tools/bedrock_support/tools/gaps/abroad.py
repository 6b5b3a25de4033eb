"""How other languages than English say that work is still to be done."""

from __future__ import annotations

_WORDS = r"""
    noch[ ](?:nicht|zu|offen|nichts) | nicht[ ](?:implementiert|umgesetzt|fertig) | unfertig
  | (?:kommt|folgt)[ ](?:später|noch)
  | (?:muss|soll(?:te)?|wird)[ ](?:noch|hier|später) | platzhalter | vorläufig | vorerst | zu[ ]erledigen
  | (?:reste[ ])?à[ ](?:implémenter|implementer|faire|compléter|finir|écrire|venir) | pas[ ]encore
  | (?:non|pas)[ ]implémentée? | provisoire | inachevée?
  | pendiente | por[ ](?:implementar|hacer|completar|terminar|escribir) | (?:sin|no)[ ]implementad?[ao]?r?
  | (?:todavía|aún|aun)[ ]no | falta[ ]\w+ar | provisional(?:mente)? | de[ ]momento
  | da[ ](?:implementare|fare|completare|finire|scrivere) | non[ ](?:ancora|implementat[oa])
  | segnaposto | provvisori[oa]
  | (?:a|por)[ ](?:implementar|fazer|completar) | não[ ]implementad[oa] | ainda[ ](?:não|por) | pendente | provisóri[oa]
  | nog[ ](?:niet|te|geen) | niet[ ]geïmplementeerd | tijdelijk | voorlopig
  | do[ ](?:zrobienia|zaimplementowania|uzupełnienia) | niezaimplementowan\w+ | jeszcze[ ]nie | tymczasow\w+
  | не[ ](?:реализован\w*|сделан\w*|готов\w*) | доделать | дописать | реализовать | заглушка | (?:пока|ещё|еще)[ ]не
"""
_SIGNS = r"""
    未实现 | 未實現 | 待实现 | 待實作 | 尚未 | 暂未 | 占位 | 待办 | 待完成 | 未完成 | 稍后
  | 未実装 | 仮実装 | 後で | 実装予定 | 未対応 | 미구현 | 구현[ ]?(?:예정|필요) | 나중에
"""
"""Scripts that set no spaces between words."""
STILL_TO_DO = rf"(?:\b(?:{_WORDS})\b|{_SIGNS})"
"""For verbose patterns that look away from case."""
