"""Tests, routes and documents in TypeScript, JavaScript, Go and Java."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gaps_rig import plant, scan, symbols
from tests.promises import promise

TESTS = {
    "tests/a.test.ts": (
        "import { add } from '../src/a';\n"
        "describe('add', () => {\n"
        "  it('adds', () => { expect(add(1, 2)).toBe(3); });\n"
        "  it('chains', () => { expect(add(1, 2)).to.be.true; });\n"
        "  it('rejects', async () => { await expect(add()).rejects.toThrow(); });\n"
        "  it('helps', () => { checkSum(add(1, 2)); });\n"
        "  it('asks the server', (done) => { request(app).get('/').expect(200, done); });\n"
        "  it.skip('waits', () => {});\n"
        "  it('says nothing', () => {});\n"
        "  it('is true', () => { expect(true).toBe(true); });\n"
        "  test('is itself', () => { const a = add(1, 2); expect(a).toEqual(a); });\n"
        "  it('only runs', () => { add(1, 2); });\n"
        "});\n",
        {
            "says nothing": "empty_test",
            "is true": "vacuous_test",
            "is itself": "vacuous_test",
            "only runs": "unchecked_test",
        },
    ),
    "add_test.go": (
        "package add\n"
        'func TestAdds(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Errorf("no")\n\t}\n}\n'
        "func TestRequires(t *testing.T) {\n\trequire.Equal(t, 3, Add(1, 2))\n}\n"
        "func TestHelps(t *testing.T) {\n\tcheck(t, Add(1, 2))\n}\n"
        'func TestSkips(t *testing.T) {\n\tt.Skip("later")\n}\n'
        "func TestNothing(t *testing.T) {\n}\n"
        "func TestTrue(t *testing.T) {\n\tassert.True(t, true)\n}\n"
        "func TestSame(t *testing.T) {\n\tassert.Equal(t, 1, 1)\n}\n"
        "func TestRuns(t *testing.T) {\n\tAdd(1, 2)\n}\n",
        {
            "TestNothing": "empty_test",
            "TestTrue": "vacuous_test",
            "TestSame": "vacuous_test",
            "TestRuns": "unchecked_test",
        },
    ),
    "src/test/java/AddTest.java": (
        "class AddTest {\n"
        "  @Test void adds() { assertEquals(3, add(1, 2)); }\n"
        "  @Test void flows() { assertThat(add(1, 2)).isEqualTo(3); }\n"
        "  @Test void mocks() { add(1, 2); verify(log).told(3); }\n"
        "  @Test @Disabled void waits() { }\n"
        "  @Test void nothing() { }\n"
        "  @Test void truth() { assertTrue(true); }\n"
        "  @Test void same() { int a = add(1, 2); assertEquals(a, a); }\n"
        "  @Test void runs() { add(1, 2); }\n"
        "}\n",
        {
            "AddTest.nothing": "empty_test",
            "AddTest.truth": "vacuous_test",
            "AddTest.same": "vacuous_test",
            "AddTest.runs": "unchecked_test",
        },
    ),
}


@promise("gaps:languages-tests")
@pytest.mark.parametrize("file", TESTS)
async def test_tests_that_cannot_fail_are_found(tmp_path: Path, file: str) -> None:
    text, weak = TESTS[file]
    found = await scan(plant(tmp_path, {file: text}), focus=["tests"])
    assert symbols(found) == weak
    lines = text.splitlines()
    assert all(each.symbol.rsplit(".", 1)[-1] in lines[each.line - 1] for each in found.gaps)


OPENAPI = """
openapi: 3.0.0
paths:
  /v1/orders:
    get: {}
    post: {}
  /v1/orders/{id}:
    delete: {}
"""
SERVERS = {
    "net/http": {"main.go": 'mux.HandleFunc("GET /v1/orders", list)\nmux.HandleFunc("DELETE /v1/orders/{id}", drop)\n'},
    "gin": {
        "main.go": 'v1 := r.Group("/v1")\norders := v1.Group("/orders")\norders.GET("", list)\n'
        'orders.DELETE("/:id", drop)\n'
    },
    "chi": {
        "main.go": 'r.Route("/v1", func(r chi.Router) {\n\tr.Get("/orders", list)\n'
        '\tr.Delete("/orders/{id}", drop)\n})\n'
    },
    "gorilla": {
        "main.go": 'r.HandleFunc("/v1/orders", list).Methods("GET")\n'
        'r.HandleFunc("/v1/orders/{id}", drop).Methods(http.MethodDelete)\n'
    },
    "spring": {
        "Orders.java": '@RestController\n@RequestMapping("/v1/orders")\nclass Orders {\n'
        "  @GetMapping\n  List<Order> all() { return rows.all(); }\n"
        '  @DeleteMapping(value = "/{orderId}", produces = "text/plain")\n'
        "  void drop(@PathVariable long orderId) { rows.drop(orderId); }\n}\n"
    },
    "jax-rs": {
        "Orders.java": '@Path("/v1/orders")\nclass Orders {\n  @GET\n  List<Order> all() { return rows.all(); }\n'
        '  @DELETE\n  @Path("/{id}")\n  void drop(long id) { rows.drop(id); }\n}\n'
    },
    "fastify": {
        "app.ts": "app.route({ method: 'GET', url: '/v1/orders', handler: list });\n"
        "fastify.delete('/v1/orders/:id', drop);\n"
    },
    "next": {
        "app/v1/orders/route.ts": "export async function GET() { return rows(); }\n",
        "app/v1/orders/[id]/route.ts": "export const DELETE = async () => drop();\n",
    },
}


@promise("gaps:languages-routes")
@pytest.mark.parametrize("kind", SERVERS)
async def test_operations_without_a_route_are_found(tmp_path: Path, kind: str) -> None:
    found = await scan(plant(tmp_path, {"openapi.yaml": OPENAPI, **SERVERS[kind]}), focus=["routes"])
    assert symbols(found) == {"POST /v1/orders": "missing_route"}


README = """
Call `OrderService.cancel()` or `OrderService.refundAll()`, or `orders.Load()` and `orders.Lose()`.
Set `SHOP_URL`, `SHOP_KEY` or `SHOP_REGION`; run `npm run build` or `npm run deploy`. `Date.now()` isn't ours.
"""


@promise("gaps:languages-docs")
async def test_documented_things_that_do_not_exist_are_found(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "README.md": README,
            "package.json": '{"name": "shop", "scripts": {"build": "tsc"}}',
            "src/service.ts": "export class OrderService {\n"
            "  cancel(id: string) { return drop(id, process.env.SHOP_URL); }\n}\n",
            "orders/orders.go": 'package orders\n\nfunc Load() string { return os.Getenv("SHOP_KEY") }\n',
            "src/Main.java": 'class Main {\n  String name() { return System.getenv("SHOP_NAME"); }\n}\n',
        },
    )
    assert symbols(await scan(tmp_path, focus=["docs"])) == {
        "OrderService.refundAll()": "undefined_function",
        "orders.Lose()": "undefined_function",
        "SHOP_REGION": "unread_setting",
        "npm run deploy": "unknown_command",
    }
