"""What each grammar calls things: node kinds and the roles that they play. The walker knows roles only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from bedrock_support.tools.gaps.poly.kinds import BY_ENDING

if TYPE_CHECKING:
    from tree_sitter import Parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """One language as the walker sees it."""

    name: str
    family: str
    roles: Mapping[str, str]
    """Kind of node -> role. Kinds without one are opaque: only what stands inside them counts."""
    types: Mapping[str, str]
    """Name of a type -> the Python type that its values are compared with."""


def _roles(**kinds: str) -> dict[str, str]:
    return {kind: role for role, listed in kinds.items() for kind in listed.split()}


_SCRIPT = _roles(
    block="statement_block program class_body export_statement",
    nothing="comment empty_statement html_comment hash_bang_line debugger_statement import_statement decorator",
    ret="return_statement",
    throw="throw_statement",
    branch="if_statement",
    attempt="try_statement",
    loop="for_statement for_in_statement while_statement do_statement labeled_statement",
    cases="switch_statement",
    said="expression_statement",
    declare="lexical_declaration variable_declaration",
    leave="break_statement continue_statement",
    function="function_declaration generator_function_declaration",
    method="method_definition",
    contract="abstract_method_signature method_signature",
    skipped="function_signature ambient_declaration type_alias_declaration",
    klass="class_declaration abstract_class_declaration class",
    interface="interface_declaration",
    typed="enum_declaration",
    field="public_field_definition field_definition",
    space="internal_module module",
    assign="assignment_expression",
    augment="augmented_assignment_expression update_expression",
    name="identifier property_identifier shorthand_property_identifier type_identifier private_property_identifier",
    text="string",
    template="template_string",
    number="number",
    yes="true",
    no="false",
    null="null undefined",
    items="array",
    mapping="object",
    call="call_expression",
    make="new_expression",
    member="member_expression",
    index="subscript_expression",
    lambda_="arrow_function function_expression generator_function",
    awaits="await_expression",
    through="parenthesized_expression as_expression satisfies_expression non_null_expression type_assertion",
    unary="unary_expression",
    binary="binary_expression",
    this="this",
    yields="yield_expression",
)
_GO = _roles(
    block="block source_file statement_list",
    nothing="comment empty_statement package_clause import_declaration",
    ret="return_statement",
    branch="if_statement",
    loop="for_statement labeled_statement",
    cases="expression_switch_statement type_switch_statement select_statement",
    said="expression_statement",
    declare="short_var_declaration var_declaration const_declaration var_spec const_spec var_spec_list",
    leave="break_statement continue_statement goto_statement fallthrough_statement",
    function="function_declaration",
    method="method_declaration",
    typedef="type_declaration",
    assign="assignment_statement",
    augment="inc_statement dec_statement",
    later="defer_statement go_statement",
    name="identifier field_identifier type_identifier package_identifier",
    text="interpreted_string_literal raw_string_literal",
    number="int_literal float_literal imaginary_literal rune_literal",
    yes="true",
    no="false",
    null="nil",
    composite="composite_literal",
    call="call_expression type_conversion_expression",
    member="selector_expression",
    index="index_expression slice_expression",
    lambda_="func_literal",
    through="parenthesized_expression literal_element",
    unary="unary_expression",
    binary="binary_expression",
    several="expression_list",
)
_JAVA = _roles(
    block="block program class_body constructor_body enum_body enum_body_declarations interface_body "
    "static_initializer",
    nothing="line_comment block_comment package_declaration import_declaration modifiers annotation_type_declaration",
    ret="return_statement",
    throw="throw_statement",
    branch="if_statement",
    attempt="try_statement try_with_resources_statement",
    within="synchronized_statement",
    loop="for_statement enhanced_for_statement while_statement do_statement labeled_statement",
    cases="switch_expression switch_statement",
    said="expression_statement",
    declare="local_variable_declaration",
    leave="break_statement continue_statement yield_statement",
    method="method_declaration constructor_declaration compact_constructor_declaration",
    klass="class_declaration record_declaration enum_declaration",
    interface="interface_declaration",
    field="field_declaration constant_declaration",
    assign="assignment_expression",
    augment="update_expression",
    checks="assert_statement",
    name="identifier type_identifier scoped_identifier",
    text="string_literal",
    number="decimal_integer_literal hex_integer_literal decimal_floating_point_literal character_literal "
    "octal_integer_literal binary_integer_literal hex_floating_point_literal",
    yes="true",
    no="false",
    null="null_literal",
    items="array_initializer",
    call="method_invocation",
    make="object_creation_expression",
    array="array_creation_expression",
    member="field_access",
    index="array_access",
    lambda_="lambda_expression",
    through="parenthesized_expression cast_expression",
    unary="unary_expression",
    binary="binary_expression",
    this="this",
)
_SCRIPT_TYPES = {
    "string": "str",
    "number": "float",
    "bigint": "int",
    "boolean": "bool",
    "void": "None",
    "undefined": "None",
    "null": "None",
    "any": "Any",
    "unknown": "Any",
    "object": "object",
    "never": "NoReturn",
    "this": "Self",
    "Array": "list",
    "ReadonlyArray": "list",
    "Record": "dict",
    "Set": "set",
}
_GO_WHOLE = [f"{sign}int{size}" for sign in ("", "u") for size in ("", 8, 16, 32, 64)] + ["byte", "rune", "uintptr"]
_JAVA_WHOLE = ["int", "long", "short", "byte", "char", "Integer", "Long", "Short", "Byte", "Character", "BigInteger"]
_GO_TYPES = {
    "string": "str",
    "bool": "bool",
    "error": "None",
    "float64": "float",
    "float32": "float",
    "any": "Any",
    **dict.fromkeys(
        [
            "int",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "byte",
            "rune",
            "uintptr",
        ],
        "int",
    ),
}
_JAVA_TYPES = {
    "String": "str",
    "CharSequence": "str",
    "boolean": "bool",
    "Boolean": "bool",
    "void": "None",
    "Void": "None",
    "Object": "object",
    "double": "float",
    "float": "float",
    "Double": "float",
    "Float": "float",
    "Map": "dict",
    "HashMap": "dict",
    "Set": "set",
    **dict.fromkeys(
        ["int", "long", "short", "byte", "char", "Integer", "Long", "Short", "Byte", "Character", "BigInteger"], "int"
    ),
    **dict.fromkeys(["List", "Collection", "Iterable", "ArrayList", "Stream"], "list"),
}
GRAMMARS = {
    "ts": Grammar(name="ts", family="script", roles=_SCRIPT, types=_SCRIPT_TYPES),
    "tsx": Grammar(name="tsx", family="script", roles=_SCRIPT, types=_SCRIPT_TYPES),
    "js": Grammar(name="js", family="script", roles=_SCRIPT, types=_SCRIPT_TYPES),
    "go": Grammar(name="go", family="go", roles=_GO, types=_GO_TYPES),
    "java": Grammar(name="java", family="java", roles=_JAVA, types=_JAVA_TYPES),
}
assert set(GRAMMARS) == {each for each in BY_ENDING.values() if each != "py"}  # noqa: S101 - two tables of one thing


@cache
def parser(name: str) -> Parser:
    """The parser of a grammar; each is loaded when the first such file is met."""
    from tree_sitter import Language, Parser

    if name == "go":
        import tree_sitter_go

        pointer = tree_sitter_go.language()
    elif name == "java":
        import tree_sitter_java

        pointer = tree_sitter_java.language()
    elif name == "js":
        import tree_sitter_javascript

        pointer = tree_sitter_javascript.language()
    else:
        import tree_sitter_typescript

        pointer = (
            tree_sitter_typescript.language_tsx() if name == "tsx" else (tree_sitter_typescript.language_typescript())
        )
    return Parser(Language(pointer))
