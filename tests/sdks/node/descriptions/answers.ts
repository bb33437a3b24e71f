// What the providers' packages declare of their answers: provider, method, path and status, and the type of the body.
import type { Management } from "../node_modules/auth0/dist/cjs/management/index";
import type * as Contacts from "../node_modules/@hubspot/api-client/lib/codegen/crm/contacts/models/all";
import type * as Companies from "../node_modules/@hubspot/api-client/lib/codegen/crm/companies/models/all";
import type * as Deals from "../node_modules/@hubspot/api-client/lib/codegen/crm/deals/models/all";
import type * as Tickets from "../node_modules/@hubspot/api-client/lib/codegen/crm/tickets/models/all";
import type * as OAuth from "../node_modules/@hubspot/api-client/lib/codegen/oauth/models/all";
import type * as Owners from "../node_modules/@hubspot/api-client/lib/codegen/crm/owners/models/all";
import type { LinearDocument } from "@linear/sdk";
import type { Base } from "../node_modules/@shopify/shopify-api/dist/ts/rest/base";
import type { AccessScope } from "../node_modules/@shopify/shopify-api/dist/ts/rest/admin/2026-04/access_scope";
import type { Customer } from "../node_modules/@shopify/shopify-api/dist/ts/rest/admin/2026-04/customer";
import type { Event } from "../node_modules/@shopify/shopify-api/dist/ts/rest/admin/2026-04/event";
import type { Order } from "../node_modules/@shopify/shopify-api/dist/ts/rest/admin/2026-04/order";
import type { Product } from "../node_modules/@shopify/shopify-api/dist/ts/rest/admin/2026-04/product";
import type { Shop } from "../node_modules/@shopify/shopify-api/dist/ts/rest/admin/2026-04/shop";
import type { Stripe } from "stripe";

// A date is a text on the wire, and so is one of an enumeration.
type Wire<T> = T extends Date
  ? string
  : T extends string
    ? `${T}`
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

// The members that the client names `userId` are `user_id` on the wire.
type Snake<T extends string> = T extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : T;
type SnakeWire<T> = { [K in keyof T as K extends string ? Snake<K> : K]: T[K] };

// Of GraphQL comes what was selected.
type Selected<T> = T extends Date
  ? string
  : T extends string
    ? `${T}`
    : T extends (infer Item)[]
      ? Selected<Item>[]
      : T extends object
        ? { [K in keyof T]?: Selected<T[K]> }
        : T;
type Graph<T> = { data: Selected<T> };

// A resource of Shopify without the client's methods. It stands for what is sent as well, such as a password: any
// member may be missing. Ids are numbers on the wire.
type Named<T> = { [K in keyof T as string extends K ? never : number extends K ? never : K]: T[K] };
type Ids<T> = { [K in keyof T]: K extends "id" | `${string}_id` ? number | Exclude<T[K], string> : T[K] };
type Undeclared = { admin_graphql_api_id: string; author: string };
type Rest<T extends Base> = Partial<Ids<Omit<Named<T>, keyof Named<Base>>> & Undeclared>;
type Deleted = Record<string, never>;

type HubSpotError = Wire<OAuth.ModelError> & { status: "error" };

export interface Answers {
  "auth0 GET /api/v2/clients 200": Management.Client[] | Management.ListClientsOffsetPaginatedResponseContent;
  "auth0 GET /api/v2/clients/{id} 200": Management.GetClientResponseContent;
  "auth0 GET /api/v2/jobs/{id} 200": Management.GetJobResponseContent;
  "auth0 GET /api/v2/tenants/settings 200": Management.GetTenantSettingsResponseContent;
  "auth0 GET /api/v2/users 200": Management.UserResponseSchema[] | Management.ListUsersOffsetPaginatedResponseContent;
  "auth0 POST /api/v2/jobs/users-exports 200": Management.CreateExportUsersResponseContent;

  "hubspot GET /crm/v3/objects/contacts 200": Wire<Contacts.CollectionResponseSimplePublicObjectWithAssociationsForwardPaging>;
  "hubspot GET /crm/v3/objects/contacts/{id} 200": Wire<Contacts.SimplePublicObjectWithAssociations>;
  "hubspot GET /crm/v3/objects/contacts/{id} 404": HubSpotError;
  "hubspot PATCH /crm/v3/objects/contacts/{id} 200": Wire<Contacts.SimplePublicObject>;
  "hubspot POST /crm/v3/objects/contacts 201": Wire<Contacts.SimplePublicObject>;
  "hubspot POST /crm/v3/objects/contacts/batch/read 200": Wire<Contacts.BatchResponseSimplePublicObject>;
  "hubspot POST /crm/v3/objects/contacts/batch/read 207": Wire<Contacts.BatchResponseSimplePublicObjectWithErrors>;
  "hubspot POST /crm/v3/objects/contacts/search 200": Wire<Contacts.CollectionResponseWithTotalSimplePublicObjectForwardPaging>;
  "hubspot GET /crm/v3/objects/companies 200": Wire<Companies.CollectionResponseSimplePublicObjectWithAssociationsForwardPaging>;
  "hubspot GET /crm/v3/objects/deals 200": Wire<Deals.CollectionResponseSimplePublicObjectWithAssociationsForwardPaging>;
  "hubspot GET /crm/v3/objects/tickets 200": Wire<Tickets.CollectionResponseSimplePublicObjectWithAssociationsForwardPaging>;
  "hubspot DELETE /crm/v3/objects/contacts/{id} 204": null;
  "hubspot GET /crm/v3/owners 200": Wire<Owners.CollectionResponsePublicOwnerForwardPaging>;
  "hubspot GET /crm/v3/owners/{id} 200": Wire<Owners.PublicOwner>;
  "hubspot GET /oauth/v1/access-tokens/{token} 200": SnakeWire<OAuth.AccessTokenInfoResponse>;
  "hubspot GET /oauth/v1/refresh-tokens/{token} 200": SnakeWire<OAuth.RefreshTokenInfoResponse>;
  "hubspot DELETE /oauth/v1/refresh-tokens/{token} 204": null;
  "hubspot POST /oauth/v1/token 200": SnakeWire<OAuth.TokenResponseIF>;

  "linear MUTATION /graphql 200": Graph<LinearDocument.Mutation>;
  "linear QUERY /graphql 200": Graph<LinearDocument.Query>;

  "shopify GET /admin/api/2026-04/customers.json 200": { customers: Rest<Customer>[] };
  "shopify GET /admin/api/2026-04/customers/{id}.json 200": { customer: Rest<Customer> };
  "shopify GET /admin/api/2026-04/events.json 200": { events: Rest<Event>[] };
  "shopify GET /admin/api/2026-04/orders.json 200": { orders: Rest<Order>[] };
  "shopify GET /admin/api/2026-04/orders/{id}.json 200": { order: Rest<Order> };
  "shopify GET /admin/api/2026-04/products.json 200": { products: Rest<Product>[] };
  "shopify GET /admin/api/2026-04/products/{id}.json 200": { product: Rest<Product> };
  "shopify GET /admin/api/2026-04/shop.json 200": { shop: Rest<Shop> };
  "shopify GET /admin/oauth/access_scopes.json 200": { access_scopes: Rest<AccessScope>[] };
  "shopify POST /admin/api/2026-04/products.json 201": { product: Rest<Product> };
  "shopify PUT /admin/api/2026-04/products/{id}.json 200": { product: Rest<Product> };
  "shopify DELETE /admin/api/2026-04/products/{id}.json 200": Deleted;

  "stripe GET /v1/account 200": Stripe.Account;
  "stripe GET /v1/charges 200": Stripe.ApiList<Stripe.Charge>;
  "stripe GET /v1/charges/{id} 200": Stripe.Charge;
  "stripe GET /v1/customers 200": Stripe.ApiList<Stripe.Customer>;
  "stripe GET /v1/customers/{id} 200": Stripe.Customer | Stripe.DeletedCustomer;
  "stripe GET /v1/events 200": Stripe.ApiList<Stripe.Event>;
  "stripe GET /v1/events/{id} 200": Stripe.Event;
  "stripe POST /v1/customers 200": Stripe.Customer;
  "stripe POST /v1/customers/{id} 200": Stripe.Customer;
  "stripe DELETE /v1/customers/{id} 200": Stripe.DeletedCustomer;
}
