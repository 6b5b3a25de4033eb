"""TypeScript, JavaScript, Go and Java: stubs, look-alikes, tests, routes and documents, as in Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bedrock_support.tools.gaps.poly.read import facts_of
from tests.gaps_rig import plant, scan, symbols
from tests.gaps_samples import LOOK_ALIKES
from tests.promises import promise

SCRIPT = """
/** Convert an amount into another currency.
 * @param amount how much
 * @param rates rates by code
 * @returns the converted amount
 */
export async function convert(amount: number, code: string, rates: Rates): Promise<number> {
%s
}

export async function price(amount: number, rates: Rates): Promise<number> {
  const found = await convert(amount, 'EUR', rates);
  return found * 2;
}

export function total(prices: number[]): number {
  let sum = 0;
  for (const each of prices) sum += each;
  return sum;
}
"""
GO = """package money

// Convert converts an amount into another currency and returns the converted amount.
func Convert(amount float64, code string, rates map[string]float64) (float64, error) {
%s
}

func Price(amount float64, rates map[string]float64) (float64, error) {
	found, err := Convert(amount, "EUR", rates)
	if err != nil {
		return 0, err
	}
	return found * 2, nil
}

func Total(prices []float64) float64 {
	sum := 0.0
	for _, each := range prices {
		sum += each
	}
	return sum
}
"""
JAVA = """package shop;

public class Money {
  private final Rates rates;

  public Money(Rates rates) { this.rates = rates; }

  /** Converts an amount into another currency.
   * @param amount how much
   * @return the converted amount
   */
  public double convert(double amount, String code) {
%s
  }

  public double price(double amount) {
    double found = convert(amount, "EUR");
    return found * 2;
  }

  public double total(List<Double> prices) {
    double sum = 0;
    for (double each : prices) sum += each;
    return sum;
  }
}
"""
STUBS: dict[str, tuple[str, str, str, dict[str, tuple[str, str]]]] = {
    "script": (
        "src/money.ts",
        SCRIPT,
        "convert",
        {
            "empty": ("// TODO: ask the bank", "pass"),
            "throws": ("throw new Error('not implemented');", "not_implemented"),
            "typed": ("throw new NotImplementedError();", "not_implemented"),
            "constant": ("return 42;", "constant"),
            "delay": ("await new Promise((resolve) => setTimeout(resolve, 500));\nreturn 1.5;", "simulated"),
            "timer": ("return new Promise((resolve) => setTimeout(() => resolve(4.2), 100));", "simulated"),
            "random": ("return Math.floor(Math.random() * 100);", "simulated"),
            "echo": ("return amount;", "echo"),
            "log": ("console.log('converting', amount);\nreturn 0;", "log_only"),
            "swallowed": (
                "try {\nconst rate = rates.get(code);\nlogAll(rate);\ncheck(rate);\nstore(rate);\n"
                "return amount * rate;\n} catch {\nreturn null;\n}",
                "swallowed",
            ),
            "dead": ("if (false) {\nconst rate = rates.get(code);\nreturn amount * rate;\n}\nreturn 0;", "dead_flag"),
            "parked": ("return 0;\nconst rate = rates.get(code);\nreturn amount * rate;", "unreachable"),
            "half": ("const rate = rates.get(code);\n// TODO: the rest of the logic\nreturn 0;", "half_done"),
        },
    ),
    "go": (
        "money/money.go",
        GO,
        "Convert",
        {
            "empty": ("// TODO: ask the bank\nreturn 0, nil", "constant"),
            "error": ('return 0, errors.New("not implemented")', "not_implemented"),
            "panic": ('panic("implement me")', "not_implemented"),
            "constant": ("return 42, nil", "constant"),
            "delay": ("time.Sleep(100 * time.Millisecond)\nreturn 1.5, nil", "simulated"),
            "random": ("return rand.Float64(), nil", "simulated"),
            "echo": ("return amount, nil", "echo"),
            "log": ('log.Printf("converting %v", amount)\nreturn 0, nil', "log_only"),
            "swallowed": (
                "defer func() { recover() }()\nrate := rates[code]\ncheck(rate)\nstore(rate)\nuse(rate)\n"
                "return amount * rate, nil",
                "swallowed",
            ),
            "dead": ("if false {\nrate := rates[code]\nreturn amount * rate, nil\n}\nreturn 0, nil", "dead_flag"),
            "parked": ("return 0, nil\nrate := rates[code]\nreturn amount * rate, nil", "unreachable"),
            "half": ("rate := rates[code]\n_ = rate\n// TODO: the rest of the logic\nreturn 0, nil", "half_done"),
        },
    ),
    "java": (
        "src/main/java/shop/Money.java",
        JAVA,
        "Money.convert",
        {
            "empty": ("// TODO Auto-generated method stub\nreturn 0;", "constant"),
            "throws": ('throw new UnsupportedOperationException("Not implemented yet");', "not_implemented"),
            "typed": ("throw new NotImplementedException();", "not_implemented"),
            "constant": ("return 42.0;", "constant"),
            "delay": (
                "try { Thread.sleep(100); } catch (InterruptedException e) { Thread.currentThread().interrupt(); }\n"
                "return 1.5;",
                "simulated",
            ),
            "random": ("return Math.random() * 100;", "simulated"),
            "echo": ("return amount;", "echo"),
            "log": ('System.out.println("converting " + amount);\nreturn 0;', "log_only"),
            "swallowed": (
                "try {\ndouble rate = rates.of(code);\ncheck(rate);\nstore(rate);\nuse(rate);\n"
                "return amount * rate;\n} catch (Exception e) {\nreturn 0;\n}",
                "swallowed",
            ),
            "dead": ("if (false) {\ndouble rate = rates.of(code);\nreturn amount * rate;\n}\nreturn 0;", "dead_flag"),
            "parked": ("return 0;\ndouble rate = rates.of(code);\nreturn amount * rate;", "unreachable"),
            "half": ("double rate = rates.of(code);\n// TODO: the rest of the logic\nreturn 0;", "half_done"),
        },
    ),
}


@promise("gaps:languages")
@pytest.mark.parametrize(("language", "name"), [(each, name) for each in STUBS for name in STUBS[each][3]])
async def test_each_sort_of_stub_is_found(tmp_path: Path, language: str, name: str) -> None:
    file, frame, symbol, bodies = STUBS[language]
    body, kind = bodies[name]
    text = frame % body
    found = await scan(plant(tmp_path, {file: text}))
    assert symbols(found) == {symbol: kind}
    (gap,) = found.gaps
    assert gap.file == file
    assert "convert" in text.splitlines()[gap.line - 1].lower()
    assert gap.disproof


@promise("gaps:languages-look-alikes")
@pytest.mark.parametrize(("family", "at"), [(each, at) for each in LOOK_ALIKES for at in range(len(LOOK_ALIKES[each]))])
async def test_look_alikes_are_no_findings(tmp_path: Path, family: str, at: int) -> None:
    ending, names, text = LOOK_ALIKES[family][at]
    assert symbols(await scan(plant(tmp_path, {f"src/part{ending}": text}), focus=["stubs"])) == {}
    language = {".d.ts": "ts"}.get(ending, ending[1:])
    facts = facts_of(text.encode(), language)
    known = {each["q"].rsplit(".", 1)[-1] for each in (*facts["functions"], *facts["classes"])}
    known |= {name for name, _line, _origin in facts["names"]}
    assert set(names) <= known


@promise("gaps:languages-lazy")
def test_parsers_are_loaded_by_the_first_file_of_their_language() -> None:
    code = (
        "import sys\n"
        "from bedrock_support.tools.gaps import run, worker\n"
        "import bedrock_support.tools.specs.verify\n"
        "worker.pack_all([('py', b'x = 1')])\n"
        "assert not [each for each in sys.modules if each.startswith('tree_sitter')]\n"
        "worker.pack_all([('go', b'package p')])\n"
        "assert 'tree_sitter_go' in sys.modules and 'tree_sitter_java' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)


HOSTILE = {
    "deep.ts": "const x = " + "(" * 4_000 + ")" * 4_000,
    "chain.js": "const x = " + " + ".join(["a"] * 20_000) + ";\n",
    "blocks.go": "package p\nfunc f() {\n" + "if a {\n" * 3_000 + "}\n" * 3_000 + "}\n",
    "torn.java": "class A { void f( { ",
    "bundle.js": "function a(b){}" * 20_000,
    "calls.ts": "x" + ".a()" * 5_000,
    "empty.go": "",
}


@promise("gaps:hostile")
async def test_hostile_files_are_survived(tmp_path: Path) -> None:
    plant(tmp_path, HOSTILE)
    (tmp_path / "nulls.ts").write_bytes(b"\x00\xff\xfe" * 100)
    (tmp_path / "latin.java").write_bytes(b"class A { /* \xe9\xff */ void f() { } }\n")
    found = await scan(tmp_path)
    assert found.files == len(HOSTILE) + 2
    assert "nulls.ts (isn't text)" in " ".join(found.notes)


@promise("gaps:languages-look-alikes")
async def test_methods_in_other_files_count_as_their_type(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "store/store.go": "package store\n\ntype Disk struct{ rows map[string]string }\n\n"
            "type Flusher interface {\n\tFlushAll(wait int) error\n}\n",
            "store/disk.go": "package store\n\nfunc (d *Disk) Put(k, v string) { d.rows[k] = v; d.touch(k) }\n\n"
            "func (d *Disk) touch(k string) { d.times[k] = now(k) }\n",
        },
    )
    facts = (await scan(tmp_path, floor=0)).gaps
    assert facts == ()
