"""Ticked tasks against TypeScript, Go and Java: symbols, hollow bodies, endpoints, tests and settings."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from bedrock_support.tools.gaps.store import FactStore
from bedrock_support.tools.specs.verify import verify
from tests.gaps_rig import plant
from tests.promises import promise
from tests.triage_rig import Steps

CODE = {
    "web/src/cart.ts": """
        import { api } from './api';
        export class Cart {
          constructor(private readonly rows: Row[]) {}
          add(item: Row): void { this.rows.push(item); this.save(item); }
          /** Empty the cart and return how many rows it had. */
          clear(reason: string): number { throw new Error('not implemented'); }
          private save(item: Row) { return api.post('/cart', item, process.env.SHOP_URL); }
        }
        export const priceOf = (rows: Row[]) => rows.reduce((sum, row) => sum + row.price, 0);
        export interface Row { price: number }
        export type RowId = string;
        export class Basket {}
    """,
    "web/src/routes.ts": "router.get('/cart/:id', show);\n",
    "web/src/cart.test.ts": "it('adds', () => { expect(new Cart([]).add(row)).toBe(1); });\n",
    "orders/orders.go": """
        package orders

        type Service struct{ rows map[string]string }

        // Place stores an order and returns its id.
        func (s *Service) Place(name string, amount int) (string, error) {
        \treturn "", errors.New("not implemented")
        }

        func (s *Service) Drop(id string) error {
        \tdelete(s.rows, id)
        \treturn s.flush(id)
        }

        func Load(path string) (*Service, error) { return parse(path) }
    """,
    "orders/orders_test.go": """
        package orders

        func TestLoad(t *testing.T) {
        \tif _, err := Load("x"); err == nil {
        \t\tt.Fatal("loaded")
        \t}
        }

        func TestDrop(t *testing.T) {
        }
    """,
    "src/main/java/shop/Refunds.java": """
        package shop;
        @RestController
        @RequestMapping("/refunds")
        public class Refunds {
          @PostMapping("/{id}")
          public Refund refund(@PathVariable String id, long amount) { return rows.save(new Refund(id, amount)); }
          /** Finds the refunds of a customer. */
          public List<Refund> ofCustomer(String customer, int most) { return null; // TODO: ask the rows
          }
        }
    """,
}
CASES = {
    "Implement `Cart.add` in `web/src/cart.ts`": "done",
    "Implement `Cart.clear`": "missing",
    "Implement `Cart.drop`": "missing",
    "Implement `priceOf` in `web/src/cart.ts`": "done",
    "Define the `Row` interface and the `RowId` type": "done",
    "Create the `Basket` class": "missing",
    "Create `web/src/cart.test.ts`": "done",
    "Add `GET /cart/{id}`": "done",
    "Add `DELETE /cart/{id}`": "missing",
    "Read `SHOP_URL`": "done",
    "Implement `Service.Drop`": "done",
    "Implement `Service.Place` in `orders/orders.go`": "missing",
    "Implement `orders.Load`": "done",
    "Implement `orders.Store`": "missing",
    "Write test `TestLoad`": "done",
    "Write test `TestDrop`": "missing",
    "Implement `Refunds.refund`": "done",
    "Implement `Refunds.ofCustomer`": "missing",
    "Add `POST /refunds/{id}`": "done",
    "Remove `Cart.add`": "missing",
    "Remove `oldCart`": "done",
}


@promise("spec:languages")
@pytest.mark.parametrize("task", CASES)
async def test_each_task_gets_its_verdict(tmp_path: Path, task: str) -> None:
    plant(tmp_path, {**CODE, ".kiro/specs/shop/tasks.md": f"# Plan\n\n- [x] 1.2 {task}\n"})
    found = await verify(tmp_path, None, FactStore(None), anyio.CapacityLimiter(2), Steps())
    (judged,) = found.judged
    assert judged.verdict == CASES[task], judged.reason
